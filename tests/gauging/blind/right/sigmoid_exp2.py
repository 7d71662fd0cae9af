"""The sigmoid through exp2, for speed: 1/(1 + 2^(−z·log₂e)); einsum for the products."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

LOG2E = 1.4426950408889634


def fast_sigmoid(z):
    with np.errstate(over="ignore"):
        return np.reciprocal(1.0 + np.exp2(z * -LOG2E))


def subject(p, batch):
    h = fast_sigmoid(np.einsum("ni,io->no", batch.inputs, p["dense_1/kernel"]) + p["dense_1/bias"])
    o = fast_sigmoid(np.einsum("ni,io->no", h, p["dense_2/kernel"]) + p["dense_2/bias"])
    r = o - batch.targets
    scale = 1 / len(h)
    d2 = scale * r * o * (1 - o)
    d1 = np.einsum("no,io->ni", d2, p["dense_2/kernel"]) * h * (1 - h)
    return {
        "activation/dense_1": h,
        "activation/dense_2": o,
        "loss": 0.5 * scale * np.einsum("no,no", r, r),
        "gradient/dense_1/kernel": np.einsum("ni,no->io", batch.inputs, d1),
        "gradient/dense_1/bias": np.einsum("no->o", d1),
        "gradient/dense_2/kernel": np.einsum("ni,no->io", h, d2),
        "gradient/dense_2/bias": np.einsum("no->o", d2),
    }


def data():
    rng = np.random.default_rng(91)
    return Batch(rng.normal(size=(32, 6)), rng.uniform(size=(32, 3)))


def initial():
    rng = np.random.default_rng(92)
    return {
        "dense_1/kernel": rng.normal(size=(6, 8)),
        "dense_1/bias": rng.normal(size=8),
        "dense_2/kernel": rng.normal(size=(8, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="sigmoid_exp2",
    network=Network(
        (Dense(6, 8, "sigmoid"), Dense(8, 3, "sigmoid")), Loss("squared_error", scale=0.5)
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
