"""A softmax of two classes written as σ of the difference of logits: p = (σ(−d), σ(d)), loss softplus of ∓d."""

import numpy as np
from scipy.special import expit

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    h = np.tanh(X @ p["dense_1/kernel"] + p["dense_1/bias"])
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    d = z[:, 1] - z[:, 0]
    prob = np.stack([expit(-d), expit(d)], axis=1)
    loss = np.mean(Y[:, 0] * np.logaddexp(0, d) + Y[:, 1] * np.logaddexp(0, -d))
    gd = (Y[:, 0] * expit(d) - Y[:, 1] * expit(-d)) / len(X)
    g = np.stack([-gd, gd], axis=1)
    gh = np.outer(gd, p["dense_2/kernel"][:, 1] - p["dense_2/kernel"][:, 0]) * (1 - h**2)
    return {
        "activation/dense_1": h,
        "activation/dense_2": prob,
        "loss": loss,
        "gradient/dense_1/kernel": X.T @ gh,
        "gradient/dense_1/bias": gh.sum(0),
        "gradient/dense_2/kernel": h.T @ g,
        "gradient/dense_2/bias": g.sum(0),
    }


def data():
    rng = np.random.default_rng(1301)
    return Batch(rng.normal(size=(40, 3)), np.eye(2)[rng.integers(0, 2, 40)])


def initial():
    rng = np.random.default_rng(1302)
    return {
        "dense_1/kernel": rng.normal(size=(3, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="softmax_two_classes",
    network=Network(
        (Dense(3, 6, "tanh"), Dense(6, 2, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
