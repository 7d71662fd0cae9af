"""Everything inside is numpy.longdouble (80 bits on x86); only what is returned is rounded to float64, or not even that."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

L = np.longdouble


def subject(p, batch):
    w1, b1, w2, b2 = (v.astype(L) for v in p.values())
    x, y = batch.inputs.astype(L), batch.targets.astype(L)
    h = 1 / (1 + np.exp(-(x.dot(w1) + b1)))
    q = 1 / (1 + np.exp(-(h.dot(w2) + b2)))
    n = L(len(x))
    d = (q - y) * q * (1 - q) / n
    g = d.dot(w2.T) * h * (1 - h)
    return {
        "activation/dense_1": h.astype(float),
        "activation/dense_2": q.astype(float),
        "loss": ((q - y) ** 2).sum() / (2 * n),
        "gradient/dense_1/kernel": x.T.dot(g),
        "gradient/dense_1/bias": g.sum(0),
        "gradient/dense_2/kernel": h.T.dot(d).astype(float),
        "gradient/dense_2/bias": d.sum(0).astype(float),
    }


def data():
    rng = np.random.default_rng(1001)
    return Batch(rng.normal(size=(20, 3)), rng.uniform(size=(20, 2)))


def initial():
    rng = np.random.default_rng(1002)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="longdouble_inside",
    network=Network(
        (Dense(3, 5, "sigmoid"), Dense(5, 2, "sigmoid")), Loss("squared_error", scale=0.5)
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.5),
    partial=True,
)
