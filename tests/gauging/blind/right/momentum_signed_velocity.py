"""Momentum as v ← μv − ηg, W ← W + v: its velocity is −η times that of the docs, and is converted at the door."""

import numpy as np

from backproof import Batch, Dense, Loss, Momentum, Network, Pairing

ETA, MU = 0.05, 0.9


class SGD:
    def __init__(self, velocity):
        self.v = velocity

    def update(self, params, grads):
        for k in params:
            self.v[k] = MU * self.v[k] - ETA * grads[k]
            params[k] = params[k] + self.v[k]


def gradients(p, X, Y):
    h = np.tanh(X @ p["dense_1/kernel"] + p["dense_1/bias"])
    e = 2 * (h @ p["dense_2/kernel"] + p["dense_2/bias"] - Y) / len(X)
    d = e @ p["dense_2/kernel"].T * (1 - h**2)
    return {
        "dense_1/kernel": X.T @ d,
        "dense_1/bias": d.sum(0),
        "dense_2/kernel": h.T @ e,
        "dense_2/bias": e.sum(0),
    }


def subject(state, batch):
    params = {k: state[k] for k in initial()}
    g = gradients(params, batch.inputs, batch.targets)
    sgd = SGD({k: -ETA * state[f"velocity/{k}"] for k in params})
    sgd.update(params, g)
    return {
        **{f"gradient/{k}": v for k, v in g.items()},
        **{f"updated/{k}": v for k, v in params.items()},
        **{f"updated/velocity/{k}": v / -ETA for k, v in sgd.v.items()},
    }


def data():
    rng = np.random.default_rng(731)
    return Batch(rng.normal(size=(32, 3)), rng.normal(size=(32, 2)))


def initial():
    rng = np.random.default_rng(732)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="momentum_signed_velocity",
    network=Network((Dense(3, 5, "tanh"), Dense(5, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Momentum(ETA, MU),
    partial=True,
)
