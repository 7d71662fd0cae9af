"""The gradient of the gate is taken times the value branch's pre-activation. It should be times its
output.
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
)

MISTAKES: tuple[str, ...] = (
    "The gradient of the gate is taken times the value branch's pre-activation.",
)


class Gated:
    def __init__(self, p):
        self.W = [p[f"dense_{i}/kernel"] for i in range(1, 5)]
        self.b = [p[f"dense_{i}/bias"] for i in range(1, 5)]

    def run(self, x, y):
        W, b = self.W, self.b
        h = np.tanh(x @ W[0] + b[0])
        g = 1 / (1 + np.exp(-(h @ W[1] + b[1])))
        zv = h @ W[2] + b[2]
        v = np.tanh(zv)
        m = g * v
        r = m @ W[3] + b[3] - y
        dr = 2 * r / len(x)
        dm = dr @ W[3].T
        dg = dm * zv * g * (1 - g)  # mistake
        dv = dm * g * (1 - v * v)
        dh = (dg @ W[1].T + dv @ W[2].T) * (1 - h * h)
        pairs = [(x, dh), (h, dg), (h, dv), (m, dr)]
        return (r**2).sum() / len(x), [(a.T @ d, d.sum(axis=0)) for a, d in pairs], m


def subject(parameters, batch):
    loss, grads, m = Gated(parameters).run(batch.inputs, batch.targets)
    out = {"loss": loss, "activation/multiply_1": m}
    for i, (k, b) in enumerate(grads, start=1):
        out[f"gradient/dense_{i}/kernel"], out[f"gradient/dense_{i}/bias"] = k, b
    return out


def data():
    rng = np.random.default_rng(971)
    X = rng.normal(size=(27, 5))
    return Batch(X, X[:, :1] * X[:, 1:2])


def initial():
    rng = np.random.default_rng(972)
    out = {}
    for i, s in enumerate([(5, 6), (6, 4), (6, 4), (4, 1)], start=1):
        out[f"dense_{i}/kernel"] = 0.6 * rng.normal(size=s)
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=s[1])
    return out


PAIRING = Pairing(
    name="gate_by_preactivation",
    network=Network(
        (
            Dense(5, 6, "tanh"),
            Branches(Multiply(), Dense(6, 4, "sigmoid"), Dense(6, 4, "tanh")),
            Dense(4, 1),
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
