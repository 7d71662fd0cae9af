"""Softplus as z + log1p(e^−z) for z > 0 and log1p(e^z) below, chosen by np.piecewise; slope is expit."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def softplus(z):
    return np.piecewise(
        z, [z > 0], [lambda t: t + np.log1p(np.exp(-t)), lambda t: np.log1p(np.exp(t))]
    )


def slope(z):
    return np.piecewise(
        z, [z > 0], [lambda t: 1 / (1 + np.exp(-t)), lambda t: np.exp(t) / (1 + np.exp(t))]
    )


def subject(p, batch):
    z1 = batch.inputs @ p["dense_1/kernel"] + p["dense_1/bias"]
    h1 = softplus(z1)
    z2 = h1 @ p["dense_2/kernel"] + p["dense_2/bias"]
    h2 = softplus(z2)
    m = batch.targets.size
    d2 = 2 * (h2 - batch.targets) / m * slope(z2)
    d1 = np.matmul(d2, p["dense_2/kernel"].T) * slope(z1)
    return {
        "activation/dense_1": h1,
        "activation/dense_2": h2,
        "loss": np.average((h2 - batch.targets) ** 2),
        "gradient/dense_1/kernel": np.matmul(batch.inputs.T, d1),
        "gradient/dense_1/bias": d1.sum(0),
        "gradient/dense_2/kernel": np.matmul(h1.T, d2),
        "gradient/dense_2/bias": d2.sum(0),
    }


def data():
    rng = np.random.default_rng(211)
    return Batch(rng.normal(size=(30, 2)), rng.gamma(2.0, size=(30, 2)))


def initial():
    rng = np.random.default_rng(212)
    return {
        "dense_1/kernel": rng.normal(size=(2, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="softplus_forms",
    network=Network(
        (Dense(2, 6, "softplus"), Dense(6, 2, "softplus")), Loss("squared_error", outputs="mean")
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
