"""Softmax as exp(z − logsumexp z), the loss as logsumexp − z·y, deltas from both at once."""

import numpy as np
from scipy.special import logsumexp

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    h = np.maximum(x @ p["dense_1/kernel"] + p["dense_1/bias"], 0)
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    lse = logsumexp(z, axis=1)
    q = np.exp(z - lse[:, None])
    g = q - y
    gh = np.where(h > 0, g @ p["dense_2/kernel"].T, 0)
    return {
        "activation/dense_1": h,
        "activation/dense_2": q,
        "loss": np.sum(lse - np.sum(z * y, axis=1)),
        "gradient/dense_1/kernel": x.T @ gh,
        "gradient/dense_1/bias": gh.sum(0),
        "gradient/dense_2/kernel": h.T @ g,
        "gradient/dense_2/bias": g.sum(0),
        "accuracy": np.mean(z.argmax(1) == y.argmax(1)),
    }


def data():
    rng = np.random.default_rng(311)
    return Batch(rng.normal(size=(36, 5)), np.eye(4)[rng.integers(0, 4, 36)])


def initial():
    rng = np.random.default_rng(312)
    return {
        "dense_1/kernel": rng.normal(size=(5, 7)),
        "dense_1/bias": rng.normal(size=7),
        "dense_2/kernel": rng.normal(size=(7, 4)),
        "dense_2/bias": rng.normal(size=4),
    }


PAIRING = Pairing(
    name="softmax_logsumexp",
    network=Network(
        (Dense(5, 7, "relu"), Dense(7, 4, "softmax")),
        Loss("categorical_cross_entropy", batch="sum"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.01),
    partial=True,
)
