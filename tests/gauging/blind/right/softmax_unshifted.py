"""Softmax without the shift, loss −log of the probability; overflow and form are declared."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, adapters


def softmax(z):
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    m = X.shape[0]
    A1 = np.tanh(X @ p["dense_1/kernel"] + p["dense_1/bias"])
    A2 = softmax(A1 @ p["dense_2/kernel"] + p["dense_2/bias"])
    dZ2 = A2 - Y
    dW2 = A1.T @ dZ2 / m
    db2 = dZ2.sum(axis=0) / m
    dZ1 = dZ2 @ p["dense_2/kernel"].T * (1 - A1**2)
    dW1 = X.T @ dZ1 / m
    db1 = dZ1.sum(axis=0) / m
    return {
        "activation/dense_1": A1,
        "activation/dense_2": A2,
        "loss": -np.sum(Y * np.log(A2)) / m,
        "gradient/dense_1/kernel": dW1,
        "gradient/dense_1/bias": db1,
        "gradient/dense_2/kernel": dW2,
        "gradient/dense_2/bias": db2,
    }


def data():
    rng = np.random.default_rng(301)
    k = rng.integers(0, 3, 40)
    return Batch(rng.normal(size=(40, 2)) + 2 * np.eye(3)[k][:, :2], np.eye(3)[k])


def initial():
    rng = np.random.default_rng(302)
    return {
        "dense_1/kernel": rng.normal(size=(2, 6)),
        "dense_1/bias": np.zeros(6),
        "dense_2/kernel": rng.normal(size=(6, 3)),
        "dense_2/bias": np.zeros(3),
    }


PAIRING = Pairing(
    name="softmax_unshifted",
    network=Network(
        (Dense(2, 6, "tanh"), Dense(6, 3, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=adapters.unsaturated(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.2),
    forms={"subject": Form("probabilities")},
    partial=True,
)
