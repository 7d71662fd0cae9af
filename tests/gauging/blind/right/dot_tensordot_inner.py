"""A different NumPy product in each place: dot, tensordot, inner, matmul, kron-free outer, vdot."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    W1, b1, W2, b2 = p.values()
    Z1 = np.inner(X, W1.T) + b1
    A1 = np.where(Z1 > 0, Z1, 0.0)
    Z2 = np.tensordot(A1, W2, axes=(1, 0)) + b2
    D2 = np.subtract(Z2, Y) * np.reciprocal(float(len(X)))
    D1 = np.inner(D2, W2) * np.sign(A1)
    lam = 0.02
    loss = 0.5 * np.vdot(Z2 - Y, Z2 - Y) / len(X)
    loss += lam * (np.trace(W1.T @ W1) + np.linalg.norm(W2, "fro") ** 2)
    return {
        "activation/dense_1": A1,
        "activation/dense_2": Z2,
        "loss": loss,
        "gradient/dense_1/kernel": np.tensordot(X, D1, axes=([0], [0])) + 2 * lam * W1,
        "gradient/dense_1/bias": np.dot(np.ones(len(X)), D1),
        "gradient/dense_2/kernel": np.matmul(A1.T, D2) + 2 * lam * W2,
        "gradient/dense_2/bias": np.matmul(np.ones((1, len(X))), D2)[0],
    }


def data():
    rng = np.random.default_rng(601)
    return Batch(rng.normal(size=(29, 5)), rng.normal(size=(29, 3)))


def initial():
    rng = np.random.default_rng(602)
    return {
        "dense_1/kernel": rng.normal(size=(5, 7)),
        "dense_1/bias": rng.normal(size=7),
        "dense_2/kernel": rng.normal(size=(7, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="dot_tensordot_inner",
    network=Network(
        (Dense(5, 7, "relu"), Dense(7, 3)), Loss("squared_error", scale=0.5), Penalty(l2=0.02)
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
