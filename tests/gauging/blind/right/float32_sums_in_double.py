"""Weights and activations in float32, but every sum is accumulated in float64 and rounded back at the end."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def mm(a, b):
    return np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(np.float32)


def subject(p, batch):
    w1, b1, w2, b2 = (np.asarray(v, np.float32) for v in p.values())
    x, y = np.asarray(batch.inputs, np.float32), np.asarray(batch.targets, np.float32)
    n = np.float32(len(x))
    h = np.tanh(mm(x, w1) + b1)
    z = mm(h, w2) + b2
    d = 2 * (z - y) / n
    g = mm(d, w2.T) * (1 - h * h)
    return {
        "activation/dense_1": h,
        "activation/dense_2": z,
        "loss": np.sum((z - y) ** 2, dtype=np.float64) / n,
        "gradient/dense_1/kernel": mm(x.T, g),
        "gradient/dense_1/bias": g.sum(0, dtype=np.float64),
        "gradient/dense_2/kernel": mm(h.T, d),
        "gradient/dense_2/bias": d.sum(0, dtype=np.float64),
    }


def data():
    rng = np.random.default_rng(981)
    return Batch(rng.normal(size=(50, 6)), rng.normal(size=(50, 2)))


def initial():
    rng = np.random.default_rng(982)
    return {
        "dense_1/kernel": rng.normal(size=(6, 8)),
        "dense_1/bias": rng.normal(size=8),
        "dense_2/kernel": rng.normal(size=(8, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="float32_sums_in_double",
    network=Network((Dense(6, 8, "tanh"), Dense(8, 2)), Loss("squared_error")),
    subject=adapters.float32(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
