"""Inputs are turned into scipy.sparse CSR (bags of words), so that products skip zeros; gradients come as CSR times dense."""

import numpy as np
from scipy import sparse

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    X = sparse.csr_array(batch.inputs)
    Y = batch.targets
    H = np.maximum(X @ p["dense_1/kernel"] + p["dense_1/bias"], 0)
    Z = H @ p["dense_2/kernel"] + p["dense_2/bias"]
    Z -= Z.max(axis=1)[:, None]
    P = np.exp(Z)
    S = P.sum(axis=1)[:, None]
    D = P / S
    loss = np.sum(sparse.csr_array(Y).multiply(np.log(S) - Z)) / len(Y)
    D = (D - Y) / len(Y)
    B = np.where(H > 0, D @ p["dense_2/kernel"].T, 0.0)
    return {
        "activation/dense_1": H,
        "loss": loss,
        "gradient/dense_1/kernel": X.T @ B,
        "gradient/dense_1/bias": B.sum(0),
        "gradient/dense_2/kernel": H.T @ D,
        "gradient/dense_2/bias": D.sum(0),
    }


def data():
    rng = np.random.default_rng(1181)
    return Batch(rng.poisson(0.3, (40, 12)).astype(float), np.eye(2)[rng.integers(0, 2, 40)])


def initial():
    rng = np.random.default_rng(1182)
    return {
        "dense_1/kernel": rng.normal(size=(12, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="sparse_inputs",
    network=Network(
        (Dense(12, 6, "relu"), Dense(6, 2, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
