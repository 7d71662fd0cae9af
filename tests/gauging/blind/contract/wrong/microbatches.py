"""Gradient over a batch, accumulated in pieces of at most CHUNK samples to bound memory."""

import numpy as np

NETWORK = {
    "sizes": [7, 10, 6, 3],
    "activations": ["leaky_relu", "tanh", "softmax"],
    "leaky_slope": 0.1,
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "Pieces are averaged with equal weights although the last one may be smaller: a mean of means. When the number of samples is no multiple "
    "of CHUNK, its samples count too much, in loss and gradients. Each piece should be weighted by len(piece)/n."
)
CHUNK = 4


def _chunk(parameters, x, y):
    c = NETWORK["leaky_slope"]
    z1 = x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"]
    a1 = np.maximum(z1, c * z1)
    a2 = np.tanh(a1 @ parameters["dense_2.kernel"] + parameters["dense_2.bias"])
    z3 = a2 @ parameters["dense_3.kernel"] + parameters["dense_3.bias"]
    z3 = z3 - z3.max(axis=1, keepdims=True)
    logp = z3 - np.log(np.exp(z3).sum(axis=1, keepdims=True))
    m = len(x)
    d3 = (np.exp(logp) - y) / m
    d2 = d3 @ parameters["dense_3.kernel"].T * (1 - a2**2)
    d1 = d2 @ parameters["dense_2.kernel"].T * np.where(z1 > 0, 1, c)
    return -np.sum(y * logp) / m, {
        "dense_1.kernel": x.T @ d1,
        "dense_1.bias": d1.sum(0),
        "dense_2.kernel": a1.T @ d2,
        "dense_2.bias": d2.sum(0),
        "dense_3.kernel": a2.T @ d3,
        "dense_3.bias": d3.sum(0),
    }


def loss_and_gradients(parameters, x, y):
    n = len(x)
    starts = range(0, n, CHUNK)
    loss = 0.0
    gradients = {k: np.zeros_like(w) for k, w in parameters.items()}
    for start in starts:
        xb, yb = x[start : start + CHUNK], y[start : start + CHUNK]
        weight = 1.0 / len(starts)
        part_loss, part = _chunk(parameters, xb, yb)
        loss += weight * part_loss
        for k in gradients:
            gradients[k] += weight * part[k]
    return loss, gradients
