"""The sigmoid as ½(1 + tanh(z/2)), which never overflows; its author declares nothing."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def logistic(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    h = logistic(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    o = logistic(h @ p["dense_2/kernel"] + p["dense_2/bias"])
    n = x.shape[0]
    do = 2 / n * (o - y) * o * (1 - o)
    dh = (do @ p["dense_2/kernel"].T) * h * (1 - h)
    return {
        "activation/dense_1": h,
        "activation/dense_2": o,
        "loss": np.sum((o - y) ** 2) / n,
        "gradient/dense_1/kernel": x.T @ dh,
        "gradient/dense_1/bias": np.sum(dh, axis=0),
        "gradient/dense_2/kernel": h.T @ do,
        "gradient/dense_2/bias": np.sum(do, axis=0),
    }


def data():
    rng = np.random.default_rng(31)
    return Batch(rng.normal(size=(20, 3)), rng.integers(0, 2, (20, 2)).astype(float))


def initial():
    rng = np.random.default_rng(32)
    return {
        "dense_1/kernel": rng.normal(size=(3, 4)),
        "dense_1/bias": rng.normal(size=4),
        "dense_2/kernel": rng.normal(size=(4, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="sigmoid_half_tanh",
    network=Network((Dense(3, 4, "sigmoid"), Dense(4, 2, "sigmoid")), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
