"""A training step that takes its learning rate as an argument and changes views of one buffer in place."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


class Trainer:
    def __init__(self, p):
        self.buffer = np.concatenate([p[k].ravel() for k in p])
        self.view, at = {}, 0
        for k, v in p.items():
            self.view[k] = self.buffer[at : at + v.size].reshape(v.shape)
            at += v.size

    def train(self, X, Y, lr):
        w1, b1, w2, b2 = self.view.values()
        h = np.maximum(0, X @ w1 + b1)
        z = h @ w2 + b2
        q = np.exp(z - z.max(axis=1, keepdims=True))
        q /= q.sum(axis=1, keepdims=True)
        q -= Y
        q *= lr / len(X)
        dh = q @ w2.T
        dh[h <= 0] = 0
        w2 -= h.T @ q
        b2 -= q.sum(0)
        w1 -= X.T @ dh
        b1 -= dh.sum(0)


def step(p, batch, learning_rate):
    t = Trainer(p)
    t.train(batch.inputs, batch.targets, learning_rate)
    return {f"updated/{k}": v for k, v in t.view.items()}


def data():
    rng = np.random.default_rng(711)
    return Batch(rng.normal(size=(45, 4)), np.eye(3)[rng.integers(0, 3, 45)])


def initial():
    rng = np.random.default_rng(712)
    return {
        "dense_1/kernel": rng.normal(size=(4, 8)),
        "dense_1/bias": np.zeros(8),
        "dense_2/kernel": rng.normal(size=(8, 3)),
        "dense_2/bias": np.zeros(3),
    }


PAIRING = Pairing(
    name="step_rate_argument",
    network=Network(
        (Dense(4, 8, "relu"), Dense(8, 3, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=adapters.from_step(step),
    data=data,
    initial=initial,
    optimizer=GradientDescent(2.0**40),  # as the error message of Pairing says
    partial=True,
)
