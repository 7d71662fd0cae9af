"""The softmax is shifted by the mean of the row, not its maximum, and normalised by reciprocal; overflow is declared."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    z = X @ p["dense_1/kernel"] + p["dense_1/bias"]
    z -= z.mean(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    q = e * np.reciprocal(total)
    d = (q - Y) * (1 / len(X))
    return {
        "activation/dense_1": q,
        "loss": (np.log(total).sum() - (z * Y).sum()) / len(X),
        "gradient/dense_1/kernel": X.T @ d,
        "gradient/dense_1/bias": d.sum(0),
        "accuracy": np.mean(np.argmax(z, axis=1) == np.argmax(Y, axis=1)),
    }


def data():
    rng = np.random.default_rng(1311)
    return Batch(rng.normal(size=(60, 4)), np.eye(5)[rng.integers(0, 5, 60)])


def initial():
    rng = np.random.default_rng(1312)
    return {"dense_1/kernel": rng.normal(size=(4, 5)), "dense_1/bias": rng.normal(size=5)}


PAIRING = Pairing(
    name="softmax_shifted_by_mean",
    network=Network((Dense(4, 5, "softmax"),), Loss("categorical_cross_entropy")),
    subject=adapters.unsaturated(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
