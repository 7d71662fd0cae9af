"""Functional style: each layer's forward returns (output, pullback); five layers of five different activations."""

import numpy as np
from scipy.special import expit

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, activations

ACTS = {
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "sigmoid": (expit, lambda z, a: a * expit(-z)),
    "relu": (lambda z: z.clip(min=0), lambda z, a: (z > 0) * 1.0),
    "softplus": (lambda z: np.logaddexp(z, 0), lambda z, a: -np.expm1(-a)),
    "linear": (lambda z: z, lambda z, a: 1.0),
}
SIZES = (4, 7, 6, 6, 5, 2)
KINDS = ("tanh", "relu", "softplus", "sigmoid", "linear")


def dense(x, w, b, kind):
    f, df = ACTS[kind]
    z = x @ w + b
    a = f(z)

    def pullback(da):
        dz = da * df(z, a)
        return dz @ w.T, x.T @ dz, dz.sum(axis=0)

    return a, pullback


def subject(p, batch):
    x, pulls, out = batch.inputs, [], {}
    for i, kind in enumerate(KINDS, 1):
        x, pull = dense(x, p[f"dense_{i}/kernel"], p[f"dense_{i}/bias"], kind)
        out[f"activation/dense_{i}"] = x
        pulls.append(pull)
    r = x - batch.targets
    out["loss"] = (r * r).mean(axis=0).sum()
    d = 2 * r / len(r)
    for i in range(5, 0, -1):
        d, out[f"gradient/dense_{i}/kernel"], out[f"gradient/dense_{i}/bias"] = pulls[i - 1](d)
    return out


def data():
    rng = np.random.default_rng(1131)
    return Batch(rng.normal(size=(30, 4)), rng.normal(size=(30, 2)))


def initial():
    rng, p = np.random.default_rng(1132), {}
    for i in range(5):
        p[f"dense_{i + 1}/kernel"] = rng.normal(size=SIZES[i : i + 2]) / np.sqrt(SIZES[i])
        p[f"dense_{i + 1}/bias"] = 0.1 * rng.normal(size=SIZES[i + 1])
    return p


PAIRING = Pairing(
    name="five_layers_closures",
    network=Network(
        tuple(Dense(a, b, activations.named(k)) for a, b, k in zip(SIZES, SIZES[1:], KINDS)),
        Loss("squared_error"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
