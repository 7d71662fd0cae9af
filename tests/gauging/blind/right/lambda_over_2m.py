"""The penalty λ/(2m)·ΣW² on the batch of m samples, put into the step as λ/m·W; loss and step, ReLU by np.fmax."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty

LAMBD, RATE = 0.7, 0.1


def subject(p, batch):
    X, Y, m = batch.inputs, batch.targets, len(batch.inputs)
    W1, b1, W2, b2 = p.values()
    A1 = np.fmax(X @ W1 + b1, 0.0)
    Z2 = A1 @ W2 + b2
    A2 = 1 / (1 + np.exp(-Z2.clip(-709, 709)))
    cost = np.logaddexp(0, np.where(Y == 1, -Z2, Z2)).sum() / m
    cost += LAMBD / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    dZ2 = A2 - Y
    dW2 = 1.0 / m * (A1.T @ dZ2) + LAMBD / m * W2
    dZ1 = (dZ2 @ W2.T) * np.int64(A1 > 0)
    dW1 = 1.0 / m * (X.T @ dZ1) + LAMBD / m * W1
    grads = dict(zip(p, (dW1, dZ1.sum(0) / m, dW2, dZ2.sum(0) / m)))
    return {
        "loss": cost,
        **{f"gradient/{k}": g for k, g in grads.items()},
        **{f"updated/{k}": p[k] - RATE * g for k, g in grads.items()},
    }


def data():
    rng = np.random.default_rng(1201)
    X = rng.normal(size=(48, 2))
    return Batch(X, (X[:, :1] > X[:, 1:] ** 2).astype(float))


def initial():
    rng = np.random.default_rng(1202)
    return {
        "dense_1/kernel": rng.normal(size=(2, 8)),
        "dense_1/bias": np.zeros(8),
        "dense_2/kernel": rng.normal(size=(8, 1)),
        "dense_2/bias": np.zeros(1),
    }


PAIRING = Pairing(
    name="lambda_over_2m",
    network=Network(
        (Dense(2, 8, "relu"), Dense(8, 1, "sigmoid")),
        Loss("binary_cross_entropy"),
        Penalty(l2=LAMBD / 2, batch="mean"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(RATE),
    partial=True,
)
