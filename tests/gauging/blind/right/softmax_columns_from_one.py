"""Octave style: a sample is a column, labels run from 1, kernels are (fan_out, fan_in) with the bias as first column."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty, adapters

LAMBDA = 0.3


def subject(p, batch):
    theta1, theta2 = p["dense_1/kernel"], p["dense_2/kernel"]
    X, y = batch.inputs, batch.targets
    m = X.shape[1]
    a1 = np.vstack([np.ones((1, m)), X])
    z2 = theta1 @ a1
    a2 = np.vstack([np.ones((1, m)), np.tanh(z2)])
    z3 = theta2 @ a2
    z3 = z3 - z3.max(axis=0)
    a3 = np.exp(z3) / np.exp(z3).sum(axis=0)
    Y = (np.arange(1, a3.shape[0] + 1)[:, None] == y[None, :]).astype(float)
    J = (np.log(np.exp(z3).sum(axis=0)) - (Y * z3).sum(axis=0)).sum() / m
    J += LAMBDA / (2 * m) * (np.sum(theta1[:, 1:] ** 2) + np.sum(theta2[:, 1:] ** 2))
    delta3 = a3 - Y
    delta2 = (theta2[:, 1:].T @ delta3) * (1 - np.tanh(z2) ** 2)
    grad1, grad2 = delta2 @ a1.T / m, delta3 @ a2.T / m
    grad1[:, 1:] += LAMBDA / m * theta1[:, 1:]
    grad2[:, 1:] += LAMBDA / m * theta2[:, 1:]
    return {
        "loss": J,
        "activation/dense_1": a2[1:],
        "activation/dense_2": a3,
        "gradient/dense_1/kernel": grad1,
        "gradient/dense_2/kernel": grad2,
    }


def data():
    rng = np.random.default_rng(351)
    return Batch(rng.normal(size=(30, 4)), np.eye(3)[rng.integers(0, 3, 30)])


def initial():
    rng = np.random.default_rng(352)
    return {
        "dense_1/kernel": rng.uniform(-0.5, 0.5, (4, 6)),
        "dense_1/bias": rng.uniform(-0.5, 0.5, 6),
        "dense_2/kernel": rng.uniform(-0.5, 0.5, (6, 3)),
        "dense_2/bias": rng.uniform(-0.5, 0.5, 3),
    }


turned = adapters.transposed(adapters.bias_in_kernel(subject, "first column"))
PAIRING = Pairing(
    name="softmax_columns_from_one",
    network=Network(
        (Dense(4, 6, "tanh"), Dense(6, 3, "softmax")),
        Loss("categorical_cross_entropy"),
        Penalty(l2=LAMBDA / 2, batch="mean"),
    ),
    subject=adapters.integer_labels(adapters.columns(turned), first=1),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
