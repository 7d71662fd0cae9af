"""The likelihood of a label is picked with np.where(y == 1, p, 1 − p), one logarithm a sample."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    X, y = batch.inputs, batch.targets
    W, b = p["dense_1/kernel"], p["dense_1/bias"]
    prob = 1 / (1 + np.exp(-(X @ W + b)))
    likelihood = np.where(y == 1, prob, 1 - prob)
    cost = -np.log(likelihood).sum() / len(y)
    residual = prob - y
    return {
        "activation/dense_1": prob,
        "loss": cost,
        "gradient/dense_1/kernel": (X * residual).mean(axis=0)[:, None],
        "gradient/dense_1/bias": residual.mean(axis=0),
        "accuracy": np.mean(likelihood > 0.5),
    }


def data():
    rng = np.random.default_rng(391)
    X = rng.normal(size=(80, 3))
    return Batch(
        X, (X @ np.array([[1.0], [2.0], [-1.0]]) + 0.5 * rng.normal(size=(80, 1)) > 0) * 1.0
    )


def initial():
    return {"dense_1/kernel": np.full((3, 1), 0.1), "dense_1/bias": np.zeros(1)}


PAIRING = Pairing(
    name="bce_where_log",
    network=Network((Dense(3, 1, "sigmoid"),), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    forms={"subject": Form("probabilities")},
    partial=True,
)
