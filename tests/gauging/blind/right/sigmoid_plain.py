"""The sigmoid as everybody writes it first, 1/(1 + e^-z), overflow warning silenced; loss through logits."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

np.seterr(over="ignore")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def subject(p, batch):
    X, Y, m = batch.inputs, batch.targets, len(batch.inputs)
    W1, b1, W2, b2 = (
        p[k] for k in ("dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias")
    )
    A1 = sigmoid(X @ W1 + b1)
    Z2 = A1 @ W2 + b2
    A2 = sigmoid(Z2)
    dZ2 = (A2 - Y) / m
    dZ1 = dZ2 @ W2.T * A1 * (1 - A1)
    return {
        "activation/dense_1": A1,
        "activation/dense_2": A2,
        "loss": np.mean(np.logaddexp(0, Z2) - Y * Z2),
        "gradient/dense_1/kernel": X.T @ dZ1,
        "gradient/dense_1/bias": dZ1.sum(0),
        "gradient/dense_2/kernel": A1.T @ dZ2,
        "gradient/dense_2/bias": dZ2.sum(0),
    }


def data():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 4))
    return Batch(X, (X[:, :1] * X[:, 1:2] > 0).astype(float))


def initial():
    rng = np.random.default_rng(2)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": np.zeros(6),
        "dense_2/kernel": rng.normal(size=(6, 1)),
        "dense_2/bias": np.zeros(1),
    }


PAIRING = Pairing(
    name="sigmoid_plain",
    network=Network((Dense(4, 6, "sigmoid"), Dense(6, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.5),
    partial=True,
)
