"""The samples are visited by an index of one byte. It starts again at 256."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "The samples are visited by an index of one byte, which starts again at 256.",
)

ETA = 0.2
n_in, n_hid, n_out = 5, 9, 4


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def backprop(X, Y, W1, b1, W2, b2):
    visit = np.arange(len(X)).astype(np.uint8)  # mistake
    X, Y = X[visit], Y[visit]
    m = X.shape[0]
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    s = h @ W2 + b2
    p = softmax(s)
    top = s.max(axis=1, keepdims=True)
    cost = (
        np.sum(
            np.log(np.exp(s - top).sum(axis=1, keepdims=True))
            + top
            - (s * Y).sum(axis=1, keepdims=True)
        )
        / m
    )
    d2 = (p - Y) / m
    dW2 = h.T @ d2
    db2 = d2.sum(axis=0)
    d1 = d2 @ W2.T * (z1 > 0)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)
    return cost, h, p, [dW1, db1, dW2, db2]


def subject(parameters, batch):
    theta = [parameters[k] for k in KEYS]
    cost, h, p, grads = backprop(batch.inputs, batch.targets, *theta)
    out = {"loss": cost, "activation/dense_1": h, "activation/dense_2": p}
    for k, t, g in zip(KEYS, theta, grads):
        out["gradient/" + k] = g
        out["updated/" + k] = t - ETA * g
    return out


KEYS = ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]


def data():
    rng = np.random.default_rng(702)
    X = rng.normal(size=(45, n_in))
    return Batch(X, np.eye(n_out)[np.abs(X[:, :n_out]).argmax(axis=1)])


def initial():
    rng = np.random.default_rng(703)
    shapes = [(n_in, n_hid), (n_hid,), (n_hid, n_out), (n_out,)]
    return {k: 0.5 * rng.normal(size=s) for k, s in zip(KEYS, shapes)}


PAIRING = Pairing(
    name="sample_index_in_a_byte",
    network=Network(
        (Dense(n_in, n_hid, "relu"), Dense(n_hid, n_out, "softmax")),
        Loss("categorical_cross_entropy"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(ETA),
    quantities=("activation", "loss", "gradient", "updated"),
    steps=6,
)
