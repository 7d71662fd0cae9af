"""The sigmoid as exp(−logaddexp(0, −z)): its logarithm is computed first and serves the loss too."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(params, batch):
    x, y = batch
    w1, b1 = params["dense_1/kernel"], params["dense_1/bias"]
    w2, b2 = params["dense_2/kernel"], params["dense_2/bias"]
    h = np.tanh(x @ w1 + b1)
    z = h @ w2 + b2
    log_p, log_q = -np.logaddexp(0, -z), -np.logaddexp(0, z)
    p = np.exp(log_p)
    g = (p - y) / len(x)
    gh = g @ w2.T * (1 - h) * (1 + h)
    return {
        "activation/dense_1": h,
        "activation/dense_2": p,
        "loss": -(y * log_p + (1 - y) * log_q).sum() / len(x),
        "gradient/dense_1/kernel": x.T @ gh,
        "gradient/dense_1/bias": gh.sum(0),
        "gradient/dense_2/kernel": h.T @ g,
        "gradient/dense_2/bias": g.sum(0),
    }


def unpacked(params, batch):
    return subject(params, (batch.inputs, batch.targets))


def data():
    rng = np.random.default_rng(81)
    x = rng.normal(size=(35, 3))
    return Batch(x, 1.0 * (x @ [[1.0], [-2.0], [0.5]] + 0.3 > 0))


def initial():
    rng = np.random.default_rng(82)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 1)),
        "dense_2/bias": rng.normal(size=1),
    }


PAIRING = Pairing(
    name="sigmoid_logaddexp",
    network=Network((Dense(3, 5, "tanh"), Dense(5, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=unpacked,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
