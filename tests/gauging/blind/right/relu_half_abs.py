"""ReLU as (|z| + z)/2 with slope (1 + sign z)/2, which is ½ at exactly 0: a subgradient like any other."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    X, T = batch.inputs, batch.targets
    z = X @ p["dense_1/kernel"] + p["dense_1/bias"]
    h = (np.abs(z) + z) / 2
    o = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    e = (o - T) / T.size
    d = (e @ p["dense_2/kernel"].T) * (1 + np.sign(z)) / 2
    return {
        "activation/dense_1": h,
        "activation/dense_2": o,
        "loss": 0.5 * np.mean((o - T) ** 2),
        "gradient/dense_1/kernel": X.T @ d,
        "gradient/dense_1/bias": d.sum(0),
        "gradient/dense_2/kernel": h.T @ e,
        "gradient/dense_2/bias": e.sum(0),
    }


def data():
    rng = np.random.default_rng(171)
    return Batch(rng.normal(size=(33, 4)), rng.normal(size=(33, 3)))


def initial():
    rng = np.random.default_rng(172)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="relu_half_abs",
    network=Network(
        (Dense(4, 6, "relu"), Dense(6, 3)), Loss("squared_error", outputs="mean", scale=0.5)
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
