"""Samples have weights (class imbalance); they are multiplied into the delta as a diagonal matrix."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    X, y, n = batch.inputs, batch.targets, len(batch.inputs)
    w = np.ones(n) if batch.weights is None else batch.weights
    D = np.diag(w / n)
    h = np.tanh(X @ p["dense_1/kernel"] + p["dense_1/bias"])
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    s = np.exp(-np.logaddexp(0, -z))
    per_sample = (np.logaddexp(0, z) - y * z).sum(axis=1)
    dz = D @ (s - y)
    dh = (dz @ p["dense_2/kernel"].T) * (1 - h * h)
    one = np.ones(n)
    return {
        "loss": one @ D @ per_sample,
        "activation/dense_1": h,
        "activation/dense_2": s,
        "gradient/dense_1/kernel": X.T @ dh,
        "gradient/dense_1/bias": one @ dh,
        "gradient/dense_2/kernel": h.T @ dz,
        "gradient/dense_2/bias": one @ dz,
    }


def data():
    rng = np.random.default_rng(411)
    X = rng.normal(size=(40, 3))
    y = (X.sum(1) > 1.5).astype(float)
    return Batch(X, y[:, None], weights=np.where(y == 1, 4.0, 0.75))


def initial():
    rng = np.random.default_rng(412)
    return {
        "dense_1/kernel": rng.normal(size=(3, 4)),
        "dense_1/bias": np.zeros(4),
        "dense_2/kernel": rng.normal(size=(4, 1)),
        "dense_2/bias": np.zeros(1),
    }


PAIRING = Pairing(
    name="weighted_samples",
    network=Network((Dense(3, 4, "tanh"), Dense(4, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
