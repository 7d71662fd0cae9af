"""A gated unit σ(xU) ⊙ tanh(xV) where both kernels are glued into one matrix [U V] and split again after the product."""

import numpy as np
from scipy.special import expit

from backproof import Batch, Branches, Dense, GradientDescent, Loss, Multiply, Network, Pairing


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    UV = np.hstack([p["dense_1/kernel"], p["dense_2/kernel"]])
    c = np.hstack([p["dense_1/bias"], p["dense_2/bias"]])
    zu, zv = np.split(X @ UV + c, 2, axis=1)
    s, t = expit(zu), np.tanh(zv)
    m = s * t
    E = (m @ p["dense_3/kernel"] + p["dense_3/bias"] - Y) / len(X)
    dm = E @ p["dense_3/kernel"].T
    dz = np.hstack([dm * t * s * (1 - s), dm * s * (1 - t) * (1 + t)])
    dUV, dc = X.T @ dz, dz.sum(0)
    k = s.shape[1]
    return {
        "activation/multiply_1": m,
        "loss": 0.5 * len(X) * np.sum(E**2),
        "gradient/dense_1/kernel": dUV[:, :k],
        "gradient/dense_1/bias": dc[:k],
        "gradient/dense_2/kernel": dUV[:, k:],
        "gradient/dense_2/bias": dc[k:],
        "gradient/dense_3/kernel": m.T @ E,
        "gradient/dense_3/bias": E.sum(0),
    }


def data():
    rng = np.random.default_rng(1111)
    return Batch(rng.normal(size=(26, 4)), rng.normal(size=(26, 2)))


def initial():
    rng, p = np.random.default_rng(1112), {}
    for i, s in enumerate(((4, 5), (4, 5), (5, 2)), 1):
        p[f"dense_{i}/kernel"], p[f"dense_{i}/bias"] = rng.normal(size=s), rng.normal(size=s[1])
    return p


PAIRING = Pairing(
    name="graph_gates_stacked",
    network=Network(
        (Branches(Multiply(), Dense(4, 5, "sigmoid"), Dense(4, 5, "tanh")), Dense(5, 2)),
        Loss("squared_error", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
