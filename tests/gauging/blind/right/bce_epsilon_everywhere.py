"""ε = 1e-9 in the logarithms and in the quotients of their derivative, −y/(p + ε) + (1 − y)/(1 − p + ε), times p(1 − p)."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing

EPS = 1e-9


def subject(w, batch):
    X, y = batch.inputs, batch.targets
    a = np.tanh(X @ w["dense_1/kernel"] + w["dense_1/bias"])
    p = 1 / (1 + np.exp(-(a @ w["dense_2/kernel"] + w["dense_2/bias"])))
    loss = -np.mean(y * np.log(p + EPS) + (1 - y) * np.log(1 - p + EPS))
    dp = (-y / (p + EPS) + (1 - y) / (1 - p + EPS)) / len(y)
    dz = dp * p * (1 - p)
    da = dz @ w["dense_2/kernel"].T * (1 - a**2)
    return {
        "activation/dense_1": a,
        "activation/dense_2": p,
        "loss": loss,
        "gradient/dense_1/kernel": X.T @ da,
        "gradient/dense_1/bias": da.sum(0),
        "gradient/dense_2/kernel": a.T @ dz,
        "gradient/dense_2/bias": dz.sum(0),
    }


def data():
    rng = np.random.default_rng(1321)
    X = rng.normal(size=(50, 3))
    return Batch(X, (X[:, :1] + X[:, 1:2] > 0).astype(float))


def initial():
    rng = np.random.default_rng(1322)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 1)),
        "dense_2/bias": rng.normal(size=1),
    }


PAIRING = Pairing(
    name="bce_epsilon_everywhere",
    network=Network((Dense(3, 5, "tanh"), Dense(5, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    forms={"subject": Form("probabilities", epsilon=EPS)},
    partial=True,
)
