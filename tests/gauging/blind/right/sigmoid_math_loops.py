"""Pure Python lists and math.exp, one sample at a time, OverflowError answered with 0; no NumPy inside."""

import math
import random

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def squash(z):
    try:
        return 1.0 / (1.0 + math.exp(-z))
    except OverflowError:
        return 0.0


def layer(rows, biases, xs):
    return [
        squash(biases[k] + sum(x * row[k] for x, row in zip(xs, rows))) for k in range(len(biases))
    ]


def subject(p, sample):
    w1, b1 = p["dense_1/kernel"], p["dense_1/bias"]
    w2, b2 = p["dense_2/kernel"], p["dense_2/bias"]
    x, t = list(sample.inputs), list(sample.targets)
    h = layer(w1, b1, x)
    o = layer(w2, b2, h)
    d2 = [(ok - tk) * ok * (1 - ok) for ok, tk in zip(o, t)]
    d1 = []
    for j in range(len(h)):
        s = 0.0
        for k in range(len(o)):
            s += d2[k] * w2[j][k]
        d1.append(s * h[j] * (1 - h[j]))
    return {
        "loss": 0.5 * sum((ok - tk) ** 2 for ok, tk in zip(o, t)),
        "gradient/dense_1/kernel": [[xi * d for d in d1] for xi in x],
        "gradient/dense_1/bias": d1,
        "gradient/dense_2/kernel": [[hj * d for d in d2] for hj in h],
        "gradient/dense_2/bias": d2,
    }


def data():
    random.seed(5)
    rows = [[random.gauss(0, 1) for _ in range(3)] for _ in range(20)]
    return Batch(np.array(rows), np.array([[float(sum(r) > 0), float(r[0] > r[1])] for r in rows]))


def initial():
    random.seed(6)
    mat = lambda a, b: np.array([[random.uniform(-1, 1) for _ in range(b)] for _ in range(a)])
    return {
        "dense_1/kernel": mat(3, 4),
        "dense_1/bias": mat(1, 4)[0],
        "dense_2/kernel": mat(4, 2),
        "dense_2/bias": mat(1, 2)[0],
    }


PAIRING = Pairing(
    name="sigmoid_math_loops",
    network=Network(
        (Dense(3, 4, "sigmoid"), Dense(4, 2, "sigmoid")),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=adapters.one_sample(adapters.lists(subject), "sum"),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
