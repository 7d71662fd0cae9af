"""C in Python: index loops over preallocated arrays, every product and sum by hand, accumulated with +=."""

import math

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    w1, b1, w2, b2 = p["dense_1/kernel"], p["dense_1/bias"], p["dense_2/kernel"], p["dense_2/bias"]
    n, ni, nh, no = len(x), len(w1), len(w2), len(b2)
    dw1, db1, dw2, db2 = np.zeros((ni, nh)), np.zeros(nh), np.zeros((nh, no)), np.zeros(no)
    h, o, delta = [0.0] * nh, [0.0] * no, [0.0] * no
    loss = 0.0
    for s in range(n):
        for j in range(nh):
            h[j] = b1[j]
            for i in range(ni):
                h[j] += w1[i, j] * x[s, i]
            h[j] = math.tanh(h[j])
        for k in range(no):
            o[k] = b2[k]
            for j in range(nh):
                o[k] += w2[j, k] * h[j]
            delta[k] = (o[k] - y[s, k]) / n
            loss += (o[k] - y[s, k]) * (o[k] - y[s, k]) / (2 * n)
            db2[k] += delta[k]
            for j in range(nh):
                dw2[j, k] += delta[k] * h[j]
        for j in range(nh):
            acc = 0.0
            for k in range(no):
                acc += w2[j, k] * delta[k]
            acc *= 1 - h[j] * h[j]
            db1[j] += acc
            for i in range(ni):
                dw1[i, j] += acc * x[s, i]
    grads = {"dense_1/kernel": dw1, "dense_1/bias": db1, "dense_2/kernel": dw2, "dense_2/bias": db2}
    return {"loss": loss, **{f"gradient/{k}": g for k, g in grads.items()}}


def data():
    rng = np.random.default_rng(621)
    return Batch(rng.normal(size=(15, 3)), rng.normal(size=(15, 2)))


def initial():
    rng = np.random.default_rng(622)
    return {
        "dense_1/kernel": rng.normal(size=(3, 4)),
        "dense_1/bias": rng.normal(size=4),
        "dense_2/kernel": rng.normal(size=(4, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="triple_loops",
    network=Network((Dense(3, 4, "tanh"), Dense(4, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
