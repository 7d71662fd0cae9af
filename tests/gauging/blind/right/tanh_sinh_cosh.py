"""tanh as sinh/cosh with slope 1/cosh², both from z; it overflows in saturation and says so."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def subject(p, batch):
    X, T = batch.inputs, batch.targets
    z1 = X @ p["dense_1/kernel"] + p["dense_1/bias"]
    a1 = np.sinh(z1) / np.cosh(z1)
    z2 = a1 @ p["dense_2/kernel"] + p["dense_2/bias"]
    a2 = np.sinh(z2) / np.cosh(z2)
    N = len(X)
    D2 = (a2 - T) / N / np.cosh(z2) ** 2
    D1 = D2 @ p["dense_2/kernel"].T / np.cosh(z1) ** 2
    return {
        "activation/dense_1": a1,
        "activation/dense_2": a2,
        "loss": np.sum((a2 - T) ** 2) / N / 2,
        "gradient/dense_1/kernel": X.T @ D1,
        "gradient/dense_1/bias": np.ones(N) @ D1,
        "gradient/dense_2/kernel": a1.T @ D2,
        "gradient/dense_2/bias": np.ones(N) @ D2,
    }


def data():
    rng = np.random.default_rng(111)
    return Batch(rng.normal(size=(28, 3)), np.sign(rng.normal(size=(28, 2))))


def initial():
    rng = np.random.default_rng(112)
    return {
        "dense_1/kernel": rng.normal(size=(3, 6)) / 2,
        "dense_1/bias": rng.normal(size=6) / 10,
        "dense_2/kernel": rng.normal(size=(6, 2)) / 2,
        "dense_2/bias": rng.normal(size=2) / 10,
    }


PAIRING = Pairing(
    name="tanh_sinh_cosh",
    network=Network((Dense(3, 6, "tanh"), Dense(6, 2, "tanh")), Loss("squared_error", scale=0.5)),
    subject=adapters.unsaturated(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
