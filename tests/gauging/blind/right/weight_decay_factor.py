"""L2 is applied as decay, W ← W(1 − 2ηλ) − ηg, the penalty added to the loss apart."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty

ETA, LAM = 0.1, 0.05


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    W1, b1, W2, b2 = (
        p[k] for k in ("dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias")
    )
    H = np.tanh(X @ W1 + b1)
    E = H @ W2 + b2 - Y
    data_loss = (E**2).sum() / len(X)
    G = 2 * E / len(X)
    GH = G @ W2.T * (1 - H**2)
    decay = 1 - 2 * ETA * LAM
    return {
        "loss": data_loss + LAM * (np.sum(W1**2) + np.sum(W2**2)),
        "updated/dense_1/kernel": W1 * decay - ETA * (X.T @ GH),
        "updated/dense_1/bias": b1 - ETA * GH.sum(0),
        "updated/dense_2/kernel": W2 * decay - ETA * (H.T @ G),
        "updated/dense_2/bias": b2 - ETA * G.sum(0),
    }


def data():
    rng = np.random.default_rng(721)
    return Batch(rng.normal(size=(32, 4)), rng.normal(size=(32, 2)))


def initial():
    rng = np.random.default_rng(722)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="weight_decay_factor",
    network=Network((Dense(4, 6, "tanh"), Dense(6, 2)), Loss("squared_error"), Penalty(l2=LAM)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(ETA),
    partial=True,
)
