"""A deep linear network: the kernels are multiplied together first, and gradients come from XᵀE by both sides."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    A, B, C = (p[f"dense_{k}/kernel"] for k in (1, 2, 3))
    S = X.T @ (X @ (A @ B @ C) - Y)
    return {
        "activation/dense_2": X @ (A @ B),
        "activation/dense_3": X @ (A @ B @ C),
        "loss": 0.5 * np.sum((X @ (A @ B @ C) - Y) ** 2),
        "gradient/dense_1/kernel": S @ (B @ C).T,
        "gradient/dense_2/kernel": A.T @ S @ C.T,
        "gradient/dense_3/kernel": (A @ B).T @ S,
    }


def data():
    rng = np.random.default_rng(641)
    return Batch(rng.normal(size=(34, 5)), rng.normal(size=(34, 2)))


def initial():
    rng = np.random.default_rng(642)
    return {
        f"dense_{k}/kernel": rng.normal(size=s) / 2
        for k, s in enumerate(((5, 6), (6, 4), (4, 2)), 1)
    }


PAIRING = Pairing(
    name="linear_layers_premultiplied",
    network=Network(
        (Dense(5, 6, bias=False), Dense(6, 4, bias=False), Dense(4, 2, bias=False)),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.001),
    partial=True,
)
