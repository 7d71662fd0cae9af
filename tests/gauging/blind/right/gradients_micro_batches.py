"""Gradient accumulation: unequal micro-batches give their means, which are averaged by their share of the samples."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def mean_gradients(p, x, y):
    h = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    z -= z.max(axis=1, keepdims=True)
    log_q = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_q) - y) / len(x)
    dh = dz @ p["dense_2/kernel"].T * (1 - h * h)
    return {
        "loss": -(y * log_q).sum() / len(x),
        "gradient/dense_1/kernel": x.T @ dh,
        "gradient/dense_1/bias": dh.sum(0),
        "gradient/dense_2/kernel": h.T @ dz,
        "gradient/dense_2/bias": dz.sum(0),
    }


def subject(p, batch):
    n = len(batch.inputs)
    cuts = [c for c in (5, 6, 13, 29) if c < n]
    total = {}
    for x, y in zip(np.split(batch.inputs, cuts), np.split(batch.targets, cuts)):
        for key, value in mean_gradients(p, x, y).items():
            total[key] = total.get(key, 0.0) + value * (len(x) / n)
    return total


def data():
    rng = np.random.default_rng(571)
    return Batch(rng.normal(size=(41, 4)), np.eye(3)[rng.integers(0, 3, 41)])


def initial():
    rng = np.random.default_rng(572)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="gradients_micro_batches",
    network=Network(
        (Dense(4, 6, "tanh"), Dense(6, 3, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
