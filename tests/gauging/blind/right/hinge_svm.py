"""A linear SVM head: hinge loss by max(0, 1 − t z), its mask from the loss itself; penalty ½‖W‖² with constant C."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty

C = 2.0


def subject(p, batch):
    X, t = batch.inputs, batch.targets
    W1, b1 = p["dense_1/kernel"], p["dense_1/bias"]
    W2, b2 = p["dense_2/kernel"], p["dense_2/bias"]
    H = np.tanh(X @ W1 + b1)
    f = H @ W2 + b2
    slack = np.maximum(0, 1 - t * f)
    J = C * slack.sum() + 0.5 * (W1**2).sum() + 0.5 * (W2**2).sum()
    df = np.where(slack > 0, -C * t, 0.0)
    dH = df @ W2.T * (1 - H**2)
    return {
        "activation/dense_1": H,
        "activation/dense_2": f,
        "loss": J,
        "gradient/dense_1/kernel": X.T @ dH + W1,
        "gradient/dense_1/bias": dH.sum(0),
        "gradient/dense_2/kernel": H.T @ df + W2,
        "gradient/dense_2/bias": df.sum(0),
    }


def data():
    rng = np.random.default_rng(401)
    X = rng.normal(size=(40, 2))
    return Batch(X, np.where(X[:, :1] ** 2 + X[:, 1:] > 0.5, 1.0, -1.0))


def initial():
    rng = np.random.default_rng(402)
    return {
        "dense_1/kernel": rng.normal(size=(2, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 1)),
        "dense_2/bias": rng.normal(size=1),
    }


PAIRING = Pairing(
    name="hinge_svm",
    network=Network(
        (Dense(2, 6, "tanh"), Dense(6, 1)), Loss("hinge", batch="sum", scale=C), Penalty(l2=0.5)
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.001),
    partial=True,
)
