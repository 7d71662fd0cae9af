"""The complex-step derivative: each gradient is Im L(w + ih)/h with h = 1e-200, exact up to rounding."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

H = 1e-200


def cost(theta, X, Y):
    w1, b1, w2, b2 = theta[:6].reshape(2, 3), theta[6:9], theta[9:15].reshape(3, 2), theta[15:]
    e = np.tanh(X @ w1 + b1) @ w2 + b2 - Y
    return 0.5 * np.sum(e * e) / len(X)


def subject(theta, batch):
    gradient = np.empty_like(theta)
    for i in range(theta.size):
        moved = theta.astype(complex)
        moved[i] += 1j * H
        gradient[i] = cost(moved, batch.inputs, batch.targets).imag / H
    return cost(theta, batch.inputs, batch.targets), gradient


def data():
    rng = np.random.default_rng(931)
    return Batch(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)))


def initial():
    rng = np.random.default_rng(932)
    return {
        "dense_1/kernel": rng.normal(size=(2, 3)),
        "dense_1/bias": rng.normal(size=3),
        "dense_2/kernel": rng.normal(size=(3, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="autodiff_complex_step",
    network=Network((Dense(2, 3, "tanh"), Dense(3, 2)), Loss("squared_error", scale=0.5)),
    subject=adapters.vector(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
