"""Nothing unusual at all: a 3-5-3 ReLU-softmax classifier as in every course (found to be UNDECIDED at huge_outputs)."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    x, y, n = batch.inputs, batch.targets, len(batch.inputs)
    h = np.maximum(0, x @ p["dense_1/kernel"] + p["dense_1/bias"])
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    z = z - z.max(axis=1, keepdims=True)
    total = np.exp(z).sum(axis=1, keepdims=True)
    q = np.exp(z) / total
    dz = (q - y) / n
    dh = dz @ p["dense_2/kernel"].T * (h > 0)
    return {
        "activation/dense_1": h,
        "activation/dense_2": q,
        "loss": -np.sum(y * (z - np.log(total))) / n,
        "gradient/dense_1/kernel": x.T @ dh,
        "gradient/dense_1/bias": dh.sum(axis=0),
        "gradient/dense_2/kernel": h.T @ dz,
        "gradient/dense_2/bias": dz.sum(axis=0),
    }


def data():
    rng = np.random.default_rng(943)
    return Batch(rng.normal(size=(32, 3)), np.eye(3)[rng.integers(0, 3, 32)])


def initial():
    rng = np.random.default_rng(944)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="plain_relu_softmax",
    network=Network(
        (Dense(3, 5, "relu"), Dense(5, 3, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
