"""ELU as max(z, 0) + expm1(min(z, 0)), slope exp(min(z, 0)): no branch, no overflow."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    z = x @ p["dense_1/kernel"] + p["dense_1/bias"]
    a = np.maximum(z, 0) + np.expm1(np.minimum(z, 0))
    o = a @ p["dense_2/kernel"] + p["dense_2/bias"]
    g = 2 * (o - y) / len(x)
    gz = g @ p["dense_2/kernel"].T * np.exp(np.minimum(z, 0))
    return {
        "activation/dense_1": a,
        "activation/dense_2": o,
        "loss": np.square(o - y).sum() / len(x),
        "gradient/dense_1/kernel": x.T @ gz,
        "gradient/dense_1/bias": gz.sum(0),
        "gradient/dense_2/kernel": a.T @ g,
        "gradient/dense_2/bias": g.sum(0),
    }


def data():
    rng = np.random.default_rng(201)
    return Batch(rng.normal(size=(24, 3)), rng.normal(size=(24, 2)))


def initial():
    rng = np.random.default_rng(202)
    return {
        "dense_1/kernel": rng.normal(size=(3, 7)),
        "dense_1/bias": rng.normal(size=7),
        "dense_2/kernel": rng.normal(size=(7, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="elu_minmax",
    network=Network((Dense(3, 7, "elu"), Dense(7, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
