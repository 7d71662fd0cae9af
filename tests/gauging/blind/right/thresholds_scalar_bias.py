"""A neuron fires above its threshold, tanh(w·x − θ), with one θ for a whole layer in the hidden part."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    w1, t1, w2, t2 = p["dense_1/kernel"], p["dense_1/bias"], p["dense_2/kernel"], p["dense_2/bias"]
    h = np.tanh(x @ w1 - t1)
    o = h @ w2 - t2
    e = o - y
    d = (e @ w2.T) * (1 - h**2)
    return {
        "activation/dense_1": h,
        "activation/dense_2": o,
        "loss": 0.5 * np.sum(e**2),
        "gradient/dense_1/kernel": x.T @ d,
        "gradient/dense_1/bias": -d.sum(),
        "gradient/dense_2/kernel": h.T @ e,
        "gradient/dense_2/bias": -e.sum(),
    }


def data():
    rng = np.random.default_rng(1161)
    return Batch(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))


def initial():
    rng = np.random.default_rng(1162)
    return {
        "dense_1/kernel": rng.normal(size=(3, 4)),
        "dense_1/bias": np.array([0.3]),
        "dense_2/kernel": rng.normal(size=(4, 2)),
        "dense_2/bias": np.array([-0.2]),
    }


PAIRING = Pairing(
    name="thresholds_scalar_bias",
    network=Network(
        (Dense(3, 4, "tanh", bias="scalar"), Dense(4, 2, bias="scalar")),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=adapters.scalar_biases(adapters.thresholds(subject)),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.01),
    partial=True,
)
