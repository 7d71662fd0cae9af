"""Gradients are accumulated sample by sample from the last to the first, divided by n at the very end."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


class MLP:
    def __init__(self, p):
        self.W = [p["dense_1/kernel"].T, p["dense_2/kernel"].T, p["dense_3/kernel"].T]
        self.b = [p[f"dense_{i}/bias"][:, None] for i in (1, 2, 3)]

    @staticmethod
    def s(z):
        return 1.0 / (1.0 + np.exp(-z))

    def backprop(self, x, y):
        activation, activations, zs = x, [x], []
        for b, w in zip(self.b, self.W):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = self.s(z)
            activations.append(activation)
        nb, nw = [None] * 3, [None] * 3
        delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
        nb[-1], nw[-1] = delta, np.dot(delta, activations[-2].T)
        for l in range(2, 4):
            a = activations[-l]
            delta = np.dot(self.W[-l + 1].T, delta) * (a * (1 - a))
            nb[-l], nw[-l] = delta, np.dot(delta, activations[-l - 1].T)
        return nb, nw, 0.5 * np.linalg.norm(activation - y) ** 2

    def batch(self, X, Y):
        gb, gw, cost = [0 * b for b in self.b], [0 * w for w in self.W], 0.0
        for i in reversed(range(len(X))):
            with np.errstate(over="ignore"):
                nb, nw, c = self.backprop(X[i][:, None], Y[i][:, None])
            gb = [u + v for u, v in zip(gb, nb)]
            gw = [u + v for u, v in zip(gw, nw)]
            cost += c
        n = len(X)
        return [b / n for b in gb], [w / n for w in gw], cost / n


def subject(p, batch):
    gb, gw, cost = MLP(p).batch(batch.inputs, batch.targets)
    out = {"loss": cost}
    for i in range(3):
        out[f"gradient/dense_{i + 1}/kernel"] = gw[i].T
        out[f"gradient/dense_{i + 1}/bias"] = gb[i][:, 0]
    return out


def data():
    rng = np.random.default_rng(551)
    return Batch(rng.uniform(size=(25, 6)), np.eye(3)[rng.integers(0, 3, 25)])


def initial():
    rng = np.random.default_rng(552)
    p = {}
    for i, (a, b) in enumerate(((6, 8), (8, 5), (5, 3)), 1):
        p[f"dense_{i}/kernel"] = rng.normal(size=(a, b))
        p[f"dense_{i}/bias"] = rng.normal(size=b)
    return p


PAIRING = Pairing(
    name="gradients_reversed",
    network=Network(
        (Dense(6, 8, "sigmoid"), Dense(8, 5, "sigmoid"), Dense(5, 3, "sigmoid")),
        Loss("squared_error", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(3.0),
    partial=True,
)
