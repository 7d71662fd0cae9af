"""The sigmoid as 1 − 1/(1 + e^z) in the hidden layer, under a linear output; nothing is declared."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

np.seterr(over="ignore")


def subject(p, batch):
    X, y = batch.inputs, batch.targets
    H = 1 - 1 / (1 + np.exp(X @ p["dense_1/kernel"] + p["dense_1/bias"]))
    out = H @ p["dense_2/kernel"] + p["dense_2/bias"]
    err = out - y
    delta = err / len(X)
    back = delta @ p["dense_2/kernel"].T * (H - H**2)
    return {
        "activation/dense_1": H,
        "activation/dense_2": out,
        "loss": 0.5 * np.mean(np.sum(err * err, axis=1)),
        "gradient/dense_2/kernel": H.T @ delta,
        "gradient/dense_2/bias": delta.sum(0),
        "gradient/dense_1/kernel": X.T @ back,
        "gradient/dense_1/bias": back.sum(0),
    }


def data():
    rng = np.random.default_rng(41)
    X = rng.uniform(-2, 2, (50, 2))
    return Batch(X, np.sin(X[:, :1]) + X[:, 1:] ** 2)


def initial():
    rng = np.random.default_rng(42)
    return {
        "dense_1/kernel": rng.normal(0, 1, (2, 10)),
        "dense_1/bias": rng.normal(0, 1, 10),
        "dense_2/kernel": rng.normal(0, 0.3, (10, 1)),
        "dense_2/bias": np.zeros(1),
    }


PAIRING = Pairing(
    name="sigmoid_complement",
    network=Network((Dense(2, 10, "sigmoid"), Dense(10, 1)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
