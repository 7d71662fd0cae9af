"""Only the weights after a step are known, W ← (1 − 2ηλ)W − ηg with momentum-free SGD; gradients are recovered by from_step."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty, adapters

ETA, LAM = 0.25, 0.01


def sgd(p, batch):
    X, Y = batch.inputs, batch.targets
    z = X @ p["dense_1/kernel"] + p["dense_1/bias"]
    h = np.maximum(z, 0)
    e = (h @ p["dense_2/kernel"] + p["dense_2/bias"] - Y) / len(X)
    d = np.where(z > 0, e @ p["dense_2/kernel"].T, 0)
    keep = 1 - 2 * ETA * LAM
    return {
        "updated/dense_1/kernel": keep * p["dense_1/kernel"] - ETA * (X.T @ d),
        "updated/dense_1/bias": p["dense_1/bias"] - ETA * d.sum(0),
        "updated/dense_2/kernel": keep * p["dense_2/kernel"] - ETA * (h.T @ e),
        "updated/dense_2/bias": p["dense_2/bias"] - ETA * e.sum(0),
    }


def data():
    rng = np.random.default_rng(1361)
    return Batch(rng.normal(size=(40, 3)), rng.normal(size=(40, 2)))


def initial():
    rng = np.random.default_rng(1362)
    return {
        "dense_1/kernel": rng.normal(size=(3, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="recovered_after_decay",
    network=Network(
        (Dense(3, 6, "relu"), Dense(6, 2)), Loss("squared_error", scale=0.5), Penalty(l2=LAM)
    ),
    subject=adapters.from_step(sgd, learning_rate=ETA),
    data=data,
    initial=initial,
    optimizer=GradientDescent(ETA),
    partial=True,
)
