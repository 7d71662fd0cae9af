"""Leaky ReLU with α = 0.01 as ½(1+α)z + ½(1−α)|z|, where negative results cancel; its slope by np.where(z > 0, 1, α)."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, activations

ALPHA = 0.01
P, M = 0.5 * (1 + ALPHA), 0.5 * (1 - ALPHA)


def lrelu(z):
    return P * z + M * np.abs(z)


def dlrelu(z):
    return np.where(z > 0, 1, ALPHA)


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    Z1 = X @ p["dense_1/kernel"] + p["dense_1/bias"]
    A1 = lrelu(Z1)
    Z2 = A1 @ p["dense_2/kernel"] + p["dense_2/bias"]
    A2 = lrelu(Z2)
    Z3 = A2 @ p["dense_3/kernel"] + p["dense_3/bias"]
    n = len(X)
    D3 = 2 * (Z3 - Y) / n
    D2 = (D3 @ p["dense_3/kernel"].T) * dlrelu(Z2)
    D1 = (D2 @ p["dense_2/kernel"].T) * dlrelu(Z1)
    res = {"activation/dense_1": A1, "activation/dense_2": A2, "activation/dense_3": Z3}
    res["loss"] = np.linalg.norm(Z3 - Y) ** 2 / n
    for i, A, D in ((1, X, D1), (2, A1, D2), (3, A2, D3)):
        res[f"gradient/dense_{i}/kernel"] = A.T @ D
        res[f"gradient/dense_{i}/bias"] = D.sum(0)
    return res


def data():
    rng = np.random.default_rng(151)
    return Batch(rng.normal(size=(40, 5)), rng.normal(size=(40, 1)))


def initial():
    rng = np.random.default_rng(152)
    shapes = {"dense_1": (5, 8), "dense_2": (8, 8), "dense_3": (8, 1)}
    out = {}
    for name, s in shapes.items():
        out[name + "/kernel"] = rng.normal(size=s) * np.sqrt(2 / s[0])
        out[name + "/bias"] = rng.normal(size=s[1]) * 0.1
    return out


leaky = activations.named("leaky_relu", alpha=ALPHA)
PAIRING = Pairing(
    name="leaky_half_abs_value",
    network=Network((Dense(5, 8, leaky), Dense(8, 8, leaky), Dense(8, 1)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.01),
    partial=True,
)
