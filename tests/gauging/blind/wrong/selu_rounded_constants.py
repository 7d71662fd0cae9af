"""SELU's constants are rounded to two decimals, 1.05 and 1.67. They should have all their
digits.
"""

import numpy as np

from backproof import (
    Batch,
    Branches,
    Dense,
    GradientDescent,
    Loss,
    Multiply,
    Network,
    Pairing,
    Residual,
)

MISTAKES: tuple[str, ...] = ("SELU's constants are rounded to two decimals, 1.05 and 1.67.",)

SCALE, ALPHA = 1.05, 1.67  # mistake


def selu(z):
    return SCALE * np.where(z > 0, z, ALPHA * np.expm1(np.minimum(z, 0)))


def selu_grad(z):
    return SCALE * np.where(z > 0, 1, ALPHA * np.exp(np.minimum(z, 0)))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def dense(x, p, i):
    return x @ p[f"dense_{i}/kernel"] + p[f"dense_{i}/bias"]


def dense_back(dz, x, p, i, grads):
    grads[f"gradient/dense_{i}/kernel"] = x.T @ dz
    grads[f"gradient/dense_{i}/bias"] = dz.sum(axis=0)
    return dz @ p[f"dense_{i}/kernel"].T


def subject(p, batch):
    x, y, n = batch.inputs, batch.targets, len(batch.inputs)
    z1 = dense(x, p, 1)
    h = selu(z1)
    gate = sigmoid(dense(h, p, 2))
    value = np.tanh(dense(h, p, 3))
    m = gate * value
    u = m + np.tanh(dense(m, p, 4))
    out = dense(u, p, 5)
    loss = np.sum((out - y) ** 2) / n
    grads = {}
    du = dense_back(2 * (out - y) / n, u, p, 5, grads)
    t4 = u - m
    dm = du + dense_back(du * (1 - t4**2), m, p, 4, grads)
    dgate = dm * value
    dvalue = dm * gate
    dh = dense_back(dgate * gate * (1 - gate), h, p, 2, grads)
    dh = dh + dense_back(dvalue * (1 - value**2), h, p, 3, grads)
    dense_back(dh * selu_grad(z1), x, p, 1, grads)
    return grads | {"loss": loss, "activation/multiply_1": m, "activation/dense_5": out}


def data():
    rng = np.random.default_rng(160)
    X = rng.normal(size=(31, 4))
    return Batch(X, X[:, :2] * X[:, 2:])


def initial():
    rng = np.random.default_rng(161)
    out = {}
    for i, s in enumerate([(4, 7), (7, 5), (7, 5), (5, 5), (5, 2)], start=1):
        out[f"dense_{i}/kernel"] = 0.5 * rng.normal(size=s)
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=s[1])
    return out


PAIRING = Pairing(
    name="selu_rounded_constants",
    network=Network(
        (
            Dense(4, 7, "selu"),
            Branches(Multiply(), Dense(7, 5, "sigmoid"), Dense(7, 5, "tanh")),
            Residual(Dense(5, 5, "tanh")),
            Dense(5, 2),
        ),
        Loss("squared_error"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("activation", "loss", "gradient"),
    steps=5,
    partial=True,
)
