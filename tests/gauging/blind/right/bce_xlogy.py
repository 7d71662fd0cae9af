"""Cross-entropy of probabilities by SciPy's xlogy and xlog1py, several labels at once, soft targets."""

import numpy as np
from scipy.special import expit, xlog1py, xlogy

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    a = expit(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    q = expit(a @ p["dense_2/kernel"] + p["dense_2/bias"])
    ll = xlogy(y, q) + xlog1py(1 - y, -q)
    d = (q - y) / q.size
    e = (d @ p["dense_2/kernel"].T) * a * (1 - a)
    return {
        "activation/dense_1": a,
        "activation/dense_2": q,
        "loss": -ll.mean(),
        "gradient/dense_1/kernel": x.T @ e,
        "gradient/dense_1/bias": e.sum(0),
        "gradient/dense_2/kernel": a.T @ d,
        "gradient/dense_2/bias": d.sum(0),
    }


def data():
    rng = np.random.default_rng(371)
    return Batch(rng.normal(size=(25, 3)), rng.beta(0.5, 0.5, (25, 4)))


def initial():
    rng = np.random.default_rng(372)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 4)),
        "dense_2/bias": rng.normal(size=4),
    }


PAIRING = Pairing(
    name="bce_xlogy",
    network=Network(
        (Dense(3, 5, "sigmoid"), Dense(5, 4, "sigmoid")),
        Loss("binary_cross_entropy", outputs="mean"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    forms={"subject": Form("probabilities")},
    partial=True,
)
