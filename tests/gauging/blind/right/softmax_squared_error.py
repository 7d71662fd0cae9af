"""Softmax under a squared error (Brier score): delta = p ⊙ (g − Σ g p), vectorised with keepdims sums."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    h = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    q = np.exp(z - z.max(1, keepdims=True))
    q = q / q.sum(1, keepdims=True)
    g = 2 * (q - y) / len(x)
    gz = q * (g - np.sum(g * q, axis=1, keepdims=True))
    gh = gz @ p["dense_2/kernel"].T
    gh -= gh * h**2
    return {
        "activation/dense_1": h,
        "activation/dense_2": q,
        "loss": np.sum((q - y) ** 2, axis=1).mean(),
        "gradient/dense_1/kernel": x.T @ gh,
        "gradient/dense_1/bias": gh.sum(0),
        "gradient/dense_2/kernel": h.T @ gz,
        "gradient/dense_2/bias": gz.sum(0),
    }


def data():
    rng = np.random.default_rng(331)
    return Batch(rng.normal(size=(27, 3)), np.eye(3)[rng.integers(0, 3, 27)])


def initial():
    rng = np.random.default_rng(332)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="softmax_squared_error",
    network=Network((Dense(3, 5, "tanh"), Dense(5, 3, "softmax")), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.3),
    partial=True,
)
