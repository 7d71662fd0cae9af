"""Adam without bias correction, division by hypot-free power: v ** −0.5 with ε added to the root through reciprocal."""

import numpy as np

from backproof import Adam, Batch, Dense, Loss, Network, Pairing


def subject(state, batch):
    X, Y = batch.inputs, batch.targets
    names = ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]
    w1, b1, w2, b2 = (state[k] for k in names)
    A = np.tanh(X @ w1 + b1)
    D = (A @ w2 + b2 - Y) / len(X)
    B = D @ w2.T * (1 - A * A)
    out = {}
    for k, g in zip(names, (X.T @ B, B.sum(0), A.T @ D, D.sum(0))):
        m = 0.9 * state[f"first_moment/{k}"] + g - 0.9 * g
        v = 0.99 * state[f"second_moment/{k}"] + 0.01 * g**2
        out[f"gradient/{k}"] = g
        out[f"updated/first_moment/{k}"] = m
        out[f"updated/second_moment/{k}"] = v
        out[f"updated/{k}"] = state[k] - 0.002 * np.reciprocal(v**0.5 + 1e-8) * m
    return out


def data():
    rng = np.random.default_rng(781)
    return Batch(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))


def initial():
    rng = np.random.default_rng(782)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="adam_uncorrected",
    network=Network((Dense(3, 5, "tanh"), Dense(5, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Adam(0.002, beta_2=0.99, bias_correction=False),
    partial=True,
)
