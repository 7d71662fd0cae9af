"""Every sum is math.fsum, exactly rounded: products as generators, loss and bias gradients too."""

from math import fsum

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def mm(A, B):
    return np.array([[fsum(a * b for a, b in zip(row, col)) for col in B.T] for row in A])


def colsum(A):
    return np.array([fsum(col) for col in A.T])


def subject(p, batch):
    X, Y, n = batch.inputs, batch.targets, len(batch.inputs)
    H = np.tanh(mm(X, p["dense_1/kernel"]) + p["dense_1/bias"])
    O = mm(H, p["dense_2/kernel"]) + p["dense_2/bias"]
    E = O - Y
    D = 2 * E / n
    B = mm(D, p["dense_2/kernel"].T) * (1 - H**2)
    return {
        "activation/dense_1": H,
        "activation/dense_2": O,
        "loss": fsum((E**2).ravel()) / n,
        "gradient/dense_1/kernel": mm(X.T, B),
        "gradient/dense_1/bias": colsum(B),
        "gradient/dense_2/kernel": mm(H.T, D),
        "gradient/dense_2/bias": colsum(D),
    }


def data():
    rng = np.random.default_rng(501)
    return Batch(rng.normal(size=(16, 3)), rng.normal(size=(16, 2)))


def initial():
    rng = np.random.default_rng(502)
    return {
        "dense_1/kernel": rng.normal(size=(3, 4)),
        "dense_1/bias": rng.normal(size=4),
        "dense_2/kernel": rng.normal(size=(4, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="sums_fsum",
    network=Network((Dense(3, 4, "tanh"), Dense(4, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
