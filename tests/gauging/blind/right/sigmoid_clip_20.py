"""Logits are clipped to ±20 in the output layer, so that p stays in (2e-9, 1 − 2e-9); inputs never get there."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def predict(z):
    return 1 / (1 + np.exp(-z.clip(-20, 20)))


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    a = np.maximum(0.0, x @ p["dense_1/kernel"] + p["dense_1/bias"])
    yhat = predict(a @ p["dense_2/kernel"] + p["dense_2/bias"])
    d = (yhat - y) / y.shape[0]
    da = (d @ p["dense_2/kernel"].T) * (a > 0)
    return {
        "activation/dense_1": a,
        "activation/dense_2": yhat,
        "gradient/dense_1/kernel": x.T @ da,
        "gradient/dense_1/bias": da.sum(axis=0),
        "gradient/dense_2/kernel": a.T @ d,
        "gradient/dense_2/bias": d.sum(axis=0),
    }


def data():
    rng = np.random.default_rng(101)
    x = rng.normal(size=(30, 3))
    return Batch(x, (x[:, :1] > x[:, 1:2]).astype(float))


def initial():
    rng = np.random.default_rng(102)
    return {
        "dense_1/kernel": 0.5 * rng.normal(size=(3, 5)),
        "dense_1/bias": np.zeros(5),
        "dense_2/kernel": 0.5 * rng.normal(size=(5, 1)),
        "dense_2/bias": np.zeros(1),
    }


PAIRING = Pairing(
    name="sigmoid_clip_20",
    network=Network((Dense(3, 5, "relu"), Dense(5, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=adapters.declared(adapters.unsaturated(subject), {"sigmoid": 2.1e-9}),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
