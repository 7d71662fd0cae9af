"""ELU with e^z − 1 (no expm1), its slope taken from the activation as a + α where z < 0."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

np.seterr(over="ignore")


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    z = x @ p["dense_1/kernel"] + p["dense_1/bias"]
    a = np.where(z > 0, z, np.exp(z) - 1)
    o = a @ p["dense_2/kernel"] + p["dense_2/bias"]
    g = 2 * (o - y) / len(x)
    gz = g @ p["dense_2/kernel"].T * np.where(z > 0, 1, a + 1)
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
    name="elu_from_activation",
    network=Network((Dense(3, 7, "elu"), Dense(7, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
