"""Fortran-ordered copies, views with negative and double strides, and results handed back as non-contiguous slices."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def interleaved(a):
    buffer = np.full((a.shape[0], 2 * a.shape[1]), np.nan)
    buffer[:, ::2] = a
    return buffer[:, ::2]


def subject(p, batch):
    X, Y = np.asfortranarray(batch.inputs)[::-1], interleaved(batch.targets)[::-1]
    W1, b1 = np.asfortranarray(p["dense_1/kernel"]), p["dense_1/bias"]
    W2, b2 = interleaved(p["dense_2/kernel"]), p["dense_2/bias"]
    H = interleaved(np.tanh(X @ W1 + b1))
    O = H @ W2 + b2
    D = (O - Y) / len(X)
    B = interleaved(D @ W2.T * (1 - H**2))
    big = np.zeros((X.shape[1] + 1, W1.shape[1]), order="F")
    big[:-1], big[-1] = X.T @ B, B.sum(0)
    return {
        "activation/dense_1": H[::-1],
        "activation/dense_2": O[::-1],
        "loss": 0.5 * np.sum((O - Y) ** 2) / len(X),
        "gradient/dense_1/kernel": big[:-1],
        "gradient/dense_1/bias": big[-1],
        "gradient/dense_2/kernel": (D.T @ H).T,
        "gradient/dense_2/bias": D.T.sum(axis=1),
    }


def data():
    rng = np.random.default_rng(991)
    return Batch(rng.normal(size=(30, 4)), rng.normal(size=(30, 3)))


def initial():
    rng = np.random.default_rng(992)
    return {
        "dense_1/kernel": np.asfortranarray(rng.normal(size=(4, 6))),
        "dense_1/bias": rng.normal(size=12)[::2],
        "dense_2/kernel": rng.normal(size=(3, 6)).T,
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="fortran_and_strides",
    network=Network((Dense(4, 6, "tanh"), Dense(6, 3)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
