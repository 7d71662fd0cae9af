"""Binary cross-entropy of probabilities clipped to [1e-15, 1 − 1e-15] as in old scikit-learn; delta stays a − y."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing


def log_loss(y, p, eps=1e-15):
    p = np.clip(p, eps, 1 - eps)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def subject(w, batch):
    X, y = batch.inputs, batch.targets
    a = np.tanh(X @ w["dense_1/kernel"] + w["dense_1/bias"])
    p = 1 / (1 + np.exp(-(a @ w["dense_2/kernel"] + w["dense_2/bias"])))
    d = (p - y) / len(y)
    da = np.outer(d, w["dense_2/kernel"]) * (1 - a**2)
    return {
        "activation/dense_1": a,
        "activation/dense_2": p,
        "loss": log_loss(y, p),
        "gradient/dense_1/kernel": X.T @ da,
        "gradient/dense_1/bias": da.sum(0),
        "gradient/dense_2/kernel": a.T @ d,
        "gradient/dense_2/bias": d.sum(0),
    }


def data():
    rng = np.random.default_rng(361)
    X = rng.normal(size=(60, 2))
    return Batch(X, (X.prod(1) > 0).astype(float)[:, None])


def initial():
    rng = np.random.default_rng(362)
    return {
        "dense_1/kernel": rng.normal(size=(2, 8)),
        "dense_1/bias": rng.normal(size=8),
        "dense_2/kernel": rng.normal(size=(8, 1)),
        "dense_2/bias": rng.normal(size=1),
    }


PAIRING = Pairing(
    name="bce_clipped",
    network=Network((Dense(2, 8, "tanh"), Dense(8, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.5),
    forms={"subject": Form("probabilities", clip=1e-15)},
    partial=True,
)
