"""Kernel gradients as np.add.reduce over an (n, i, o) array of outer products; biases through a ones vector."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def outer_sum(a, d):
    return np.add.reduce(a[:, :, None] * d[:, None, :], axis=0)


def affine(a, w, b):
    return (a[:, :, None] * w[None]).sum(axis=1) + b


def subject(p, batch):
    a0, t = batch.inputs, batch.targets
    a1 = 1 / (1 + np.exp(-np.clip(affine(a0, p["dense_1/kernel"], p["dense_1/bias"]), -700, None)))
    a2 = 1 / (1 + np.exp(-np.clip(affine(a1, p["dense_2/kernel"], p["dense_2/bias"]), -700, None)))
    one = np.ones(len(t))
    d2 = (a2 - t) * a2 * (1 - a2) / len(t)
    d1 = (d2[:, None, :] * p["dense_2/kernel"]).sum(axis=-1) * a1 * (1 - a1)
    return {
        "activation/dense_1": a1,
        "activation/dense_2": a2,
        "loss": one @ ((a2 - t) ** 2) @ np.ones(t.shape[1]) / len(t) / 2,
        "gradient/dense_1/kernel": outer_sum(a0, d1),
        "gradient/dense_1/bias": one @ d1,
        "gradient/dense_2/kernel": outer_sum(a1, d2),
        "gradient/dense_2/bias": one @ d2,
    }


def data():
    rng = np.random.default_rng(521)
    return Batch(rng.normal(size=(30, 4)), rng.uniform(0, 1, (30, 3)))


def initial():
    rng = np.random.default_rng(522)
    return {
        "dense_1/kernel": rng.normal(size=(4, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="sums_outer_products",
    network=Network(
        (Dense(4, 5, "sigmoid"), Dense(5, 3, "sigmoid")), Loss("squared_error", scale=0.5)
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.2),
    partial=True,
)
