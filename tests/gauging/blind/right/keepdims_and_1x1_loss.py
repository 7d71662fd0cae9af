"""Bias gradients with keepdims=True, (1, units), and a loss of shape (1, 1) from a matrix product, as in many courses."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    X, y, n = batch.inputs, batch.targets, batch.inputs.shape[0]
    b1, b2 = p["dense_1/bias"].reshape(1, -1), p["dense_2/bias"].reshape(1, -1)
    A1 = np.tanh(X.dot(p["dense_1/kernel"]) + b1)
    out = A1.dot(p["dense_2/kernel"]) + b2
    err = out - y
    d2 = err / n
    d1 = d2.dot(p["dense_2/kernel"].T) * (1 - np.power(A1, 2))
    return {
        "activation/dense_1": A1,
        "activation/dense_2": out,
        "loss": err.T.dot(err) / (2 * n),
        "gradient/dense_1/kernel": X.T.dot(d1),
        "gradient/dense_1/bias": np.sum(d1, axis=0, keepdims=True),
        "gradient/dense_2/kernel": A1.T.dot(d2),
        "gradient/dense_2/bias": np.sum(d2, axis=0, keepdims=True),
    }


def data():
    rng = np.random.default_rng(1341)
    return Batch(rng.normal(size=(30, 3)), rng.normal(size=(30, 1)))


def initial():
    rng = np.random.default_rng(1342)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": np.zeros(5),
        "dense_2/kernel": rng.normal(size=(5, 1)),
        "dense_2/bias": np.zeros(1),
    }


PAIRING = Pairing(
    name="keepdims_and_1x1_loss",
    network=Network((Dense(3, 5, "tanh"), Dense(5, 1)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
