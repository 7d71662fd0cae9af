"""The 1/n is put into everything at once, inputs' share of it by square roots: √(1/n) on both factors of each product."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    r = np.sqrt(1 / len(X))
    H = np.tanh(X @ p["dense_1/kernel"] + p["dense_1/bias"])
    O = H @ p["dense_2/kernel"] + p["dense_2/bias"]
    E = r * (O - Y)
    B = (E @ p["dense_2/kernel"].T) * (1 - H**2)
    return {
        "activation/dense_1": H,
        "activation/dense_2": O,
        "loss": 0.5 * np.vdot(E, E),
        "gradient/dense_1/kernel": (r * X).T @ B,
        "gradient/dense_1/bias": np.full(len(X), r) @ B,
        "gradient/dense_2/kernel": (r * H).T @ E,
        "gradient/dense_2/bias": np.full(len(X), r) @ E,
    }


def data():
    rng = np.random.default_rng(581)
    return Batch(rng.normal(size=(31, 4)), rng.normal(size=(31, 2)))


def initial():
    rng = np.random.default_rng(582)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="division_early",
    network=Network((Dense(4, 6, "tanh"), Dense(6, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
