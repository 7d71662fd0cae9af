"""SciPy's expit and log_expit; the slope is written as e^-|z| / (1 + e^-|z|)² from z."""

import numpy as np
from scipy.special import expit, log_expit

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def slope(z):
    e = np.exp(-np.abs(z))
    return e / (1 + e) ** 2


def subject(p, batch):
    z1 = batch.inputs @ p["dense_1/kernel"] + p["dense_1/bias"]
    a1 = expit(z1)
    z2 = a1 @ p["dense_2/kernel"] + p["dense_2/bias"]
    a2 = expit(z2)
    z3 = a2 @ p["dense_3/kernel"] + p["dense_3/bias"]
    y = batch.targets
    nll = -(y * log_expit(z3) + (1 - y) * log_expit(-z3))
    d3 = expit(z3) - y
    d2 = slope(z2) * (d3 @ p["dense_3/kernel"].T)
    d1 = slope(z1) * (d2 @ p["dense_2/kernel"].T)
    out = {
        "loss": nll.sum(),
        "activation/dense_1": a1,
        "activation/dense_2": a2,
        "activation/dense_3": expit(z3),
    }
    for i, (d, a) in enumerate([(d1, batch.inputs), (d2, a1), (d3, a2)], 1):
        out[f"gradient/dense_{i}/kernel"] = a.T @ d
        out[f"gradient/dense_{i}/bias"] = d.sum(0)
    return out


def data():
    rng = np.random.default_rng(61)
    return Batch(rng.normal(size=(16, 3)), rng.integers(0, 2, (16, 3)).astype(float))


def initial():
    rng = np.random.default_rng(62)
    shapes = [(3, 6), (6, 5), (5, 3)]
    out = {}
    for i, s in enumerate(shapes, 1):
        out[f"dense_{i}/kernel"] = rng.normal(0, 0.7, s)
        out[f"dense_{i}/bias"] = rng.normal(0, 0.1, s[1])
    return out


PAIRING = Pairing(
    name="sigmoid_expit_slope",
    network=Network(
        (Dense(3, 6, "sigmoid"), Dense(6, 5, "sigmoid"), Dense(5, 3, "sigmoid")),
        Loss("binary_cross_entropy", batch="sum"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.01),
    partial=True,
)
