"""Sums over the batch are gathered in chunks of eight rows, the partial sums added at the end by functools.reduce."""

from functools import reduce
from operator import add

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def chunks(*arrays, size=8):
    for i in range(0, len(arrays[0]), size):
        yield [a[i : i + size] for a in arrays]


def subject(p, batch):
    names = list(p)
    w1, b1, w2, b2 = (p[k] for k in names)
    parts, hs, os = [], [], []
    for x, y in chunks(batch.inputs, batch.targets):
        h = np.maximum(x @ w1 + b1, 0)
        o = h @ w2 + b2
        e = o - y
        d = e @ w2.T * (h > 0)
        hs.append(h)
        os.append(o)
        parts.append([np.sum(e**2) / 2, x.T @ d, d.sum(0), h.T @ e, e.sum(0)])
    loss, *grads = (reduce(add, column) / len(batch.inputs) for column in zip(*parts))
    return {
        "activation/dense_1": np.concatenate(hs),
        "activation/dense_2": np.concatenate(os),
        "loss": loss,
        **{f"gradient/{k}": g for k, g in zip(names, grads)},
    }


def data():
    rng = np.random.default_rng(511)
    return Batch(rng.normal(size=(53, 6)), rng.normal(size=(53, 3)))


def initial():
    rng = np.random.default_rng(512)
    return {
        "dense_1/kernel": rng.normal(size=(6, 9)),
        "dense_1/bias": rng.normal(size=9),
        "dense_2/kernel": rng.normal(size=(9, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="sums_chunks_of_eight",
    network=Network((Dense(6, 9, "relu"), Dense(9, 3)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
