"""A sigmoid looked up in a table with linear interpolation, as on a microcontroller; its error is declared.

With steps h = 2⁻⁷ the chord is off by h²/8·max|σ''| < 7.4e-7, and at the ends ±16 by 1.2e-7.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

KNOTS = np.linspace(-16, 16, 32 * 128 + 1)
TABLE = 1 / (1 + np.exp(-KNOTS))


def sig(z):
    return np.interp(z, KNOTS, TABLE)


def subject(p, batch):
    n = len(batch.inputs)
    h = sig(batch.inputs @ p["dense_1/kernel"] + p["dense_1/bias"])
    o = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    d = (o - batch.targets) / n
    e = d @ p["dense_2/kernel"].T * h * (1 - h)
    return {
        "activation/dense_1": h,
        "activation/dense_2": o,
        "loss": ((o - batch.targets) ** 2).sum() / (2 * n),
        "gradient/dense_1/kernel": batch.inputs.T @ e,
        "gradient/dense_1/bias": e.sum(0),
        "gradient/dense_2/kernel": h.T @ d,
        "gradient/dense_2/bias": d.sum(0),
    }


def data():
    rng = np.random.default_rng(71)
    return Batch(rng.normal(size=(25, 4)), rng.normal(size=(25, 2)))


def initial():
    rng = np.random.default_rng(72)
    return {
        "dense_1/kernel": rng.normal(size=(4, 5)) * 0.5,
        "dense_1/bias": np.zeros(5),
        "dense_2/kernel": rng.normal(size=(5, 2)),
        "dense_2/bias": np.zeros(2),
    }


PAIRING = Pairing(
    name="sigmoid_table",
    network=Network((Dense(4, 5, "sigmoid"), Dense(5, 2)), Loss("squared_error", scale=0.5)),
    subject=adapters.declared(subject, {"sigmoid": 1e-6}),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
