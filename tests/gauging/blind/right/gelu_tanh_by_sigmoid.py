"""GELU's tanh approximation as z·σ(2u), since ½(1 + tanh u) = σ(2u), u = √(2/π)(z + 0.044715 z³); slope by the product rule."""

from types import SimpleNamespace

import numpy as np
from scipy.special import expit

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, activations

K = np.sqrt(2 / np.pi)


def forward(p, x):
    c = SimpleNamespace(x=x)
    c.z = x @ p["dense_1/kernel"] + p["dense_1/bias"]
    c.cdf = expit(2 * K * (c.z + 0.044715 * c.z**3))
    c.pdf = 2 * K * (1 + 3 * 0.044715 * c.z**2) * c.cdf * (1 - c.cdf)
    c.h = c.z * c.cdf
    c.o = c.h @ p["dense_2/kernel"] + p["dense_2/bias"]
    return c


def subject(p, batch):
    c = forward(p, batch.inputs)
    err = c.o - batch.targets
    g = err / len(err)
    gz = g @ p["dense_2/kernel"].T * (c.cdf + c.z * c.pdf)
    return {
        "activation/dense_1": c.h,
        "activation/dense_2": c.o,
        "loss": 0.5 * np.mean((err**2).sum(axis=-1)),
        "gradient/dense_1/kernel": c.x.T @ gz,
        "gradient/dense_1/bias": gz.sum(0),
        "gradient/dense_2/kernel": c.h.T @ g,
        "gradient/dense_2/bias": g.sum(0),
    }


def data():
    rng = np.random.default_rng(221)
    return Batch(rng.normal(size=(20, 4)), rng.normal(size=(20, 3)))


def initial():
    rng = np.random.default_rng(222)
    return {
        "dense_1/kernel": rng.normal(size=(4, 8)) / 2,
        "dense_1/bias": np.zeros(8),
        "dense_2/kernel": rng.normal(size=(8, 3)) / 2,
        "dense_2/bias": np.zeros(3),
    }


PAIRING = Pairing(
    name="gelu_tanh_by_sigmoid",
    network=Network(
        (Dense(4, 8, activations.named("gelu", approximate=True)), Dense(8, 3)),
        Loss("squared_error", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
