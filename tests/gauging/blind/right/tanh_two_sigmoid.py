"""tanh as 2σ(2z) − 1, which loses the digits of small results: declared as the docs say."""

import numpy as np
from scipy.special import expit

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def th(z):
    return 2 * expit(2 * z) - 1


def subject(p, batch):
    x, y, n = batch.inputs, batch.targets, len(batch.targets)
    a = th(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    b = th(a @ p["dense_2/kernel"] + p["dense_2/bias"])
    c = b @ p["dense_3/kernel"]
    gc = (c - y) / n
    gb = gc @ p["dense_3/kernel"].T * (1 - b * b)
    ga = gb @ p["dense_2/kernel"].T * (1 - a * a)
    return {
        "activation/dense_1": a,
        "activation/dense_2": b,
        "activation/dense_3": c,
        "loss": 0.5 * np.square(c - y).sum(axis=1).mean(),
        "gradient/dense_1/kernel": x.T @ ga,
        "gradient/dense_1/bias": ga.sum(0),
        "gradient/dense_2/kernel": a.T @ gb,
        "gradient/dense_2/bias": gb.sum(0),
        "gradient/dense_3/kernel": b.T @ gc,
    }


def data():
    rng = np.random.default_rng(131)
    return Batch(rng.normal(size=(18, 2)), rng.normal(size=(18, 2)))


def initial():
    rng = np.random.default_rng(132)
    return {
        "dense_1/kernel": rng.normal(size=(2, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 4)),
        "dense_2/bias": rng.normal(size=4),
        "dense_3/kernel": rng.normal(size=(4, 2)),
    }


PAIRING = Pairing(
    name="tanh_two_sigmoid",
    network=Network(
        (Dense(2, 5, "tanh"), Dense(5, 4, "tanh"), Dense(4, 2, bias=False)),
        Loss("squared_error", scale=0.5),
    ),
    subject=adapters.declared(subject, {"tanh": 2.8e-15}),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
