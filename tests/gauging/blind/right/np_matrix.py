"""Written with np.matrix, where * is the matrix product and np.multiply the elementwise one; gives matrices back."""

import warnings

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

warnings.filterwarnings("ignore", category=PendingDeprecationWarning)


def subject(p, batch):
    X, Y = np.matrix(batch.inputs), np.matrix(batch.targets)
    W1, W2 = np.matrix(p["dense_1/kernel"]), np.matrix(p["dense_2/kernel"])
    b1, b2 = np.matrix(p["dense_1/bias"]), np.matrix(p["dense_2/bias"])
    A = np.tanh(X * W1 + b1)
    O = A * W2 + b2
    E = O - Y
    m = X.shape[0]
    dO = E / m
    dA = np.multiply(dO * W2.T, 1 - np.power(A, 2))
    return {
        "activation/dense_1": A,
        "activation/dense_2": O,
        "loss": np.trace(E.T * E) / (2 * m),
        "gradient/dense_1/kernel": X.T * dA,
        "gradient/dense_1/bias": dA.sum(axis=0).A1,
        "gradient/dense_2/kernel": A.T * dO,
        "gradient/dense_2/bias": dO.sum(axis=0).A1,
    }


def data():
    rng = np.random.default_rng(611)
    return Batch(rng.normal(size=(23, 3)), rng.normal(size=(23, 2)))


def initial():
    rng = np.random.default_rng(612)
    return {
        "dense_1/kernel": rng.normal(size=(3, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="np_matrix",
    network=Network((Dense(3, 6, "tanh"), Dense(6, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
