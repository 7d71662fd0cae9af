"""Targets ±1 and the loss log(1 + e^(−t z)) by np.log1p with the margin split; delta −t σ(−t z)."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def log1pexp(u):
    return np.where(u > 0, u, 0) + np.log1p(np.exp(-np.abs(u)))


def subject(p, batch):
    x, t = batch.inputs, batch.targets
    h = np.maximum(x @ p["dense_1/kernel"] + p["dense_1/bias"], 0)
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    margin = t * z
    with np.errstate(over="ignore"):
        g = -t / (1 + np.exp(margin)) / len(t)
    gh = (g @ p["dense_2/kernel"].T) * np.heaviside(h, 0)
    return {
        "activation/dense_1": h,
        "loss": log1pexp(-margin).mean(),
        "gradient/dense_1/kernel": x.T @ gh,
        "gradient/dense_1/bias": gh.sum(0),
        "gradient/dense_2/kernel": h.T @ g,
        "gradient/dense_2/bias": g.sum(0),
        "accuracy": np.mean(margin > 0),
    }


def data():
    rng = np.random.default_rng(381)
    x = rng.normal(size=(44, 3))
    return Batch(x, (x[:, :1] * x[:, 2:] > 0).astype(float))


def initial():
    rng = np.random.default_rng(382)
    return {
        "dense_1/kernel": rng.normal(size=(3, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 1)),
        "dense_2/bias": rng.normal(size=1),
    }


PAIRING = Pairing(
    name="bce_signed_margin",
    network=Network((Dense(3, 6, "relu"), Dense(6, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=adapters.signed_labels(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
