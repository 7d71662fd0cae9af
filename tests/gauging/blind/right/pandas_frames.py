"""Computed in pandas DataFrames with named columns and handed back as frames and series."""

import numpy as np
import pandas as pd

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def frame(a, prefix):
    return pd.DataFrame(a, columns=[f"{prefix}{i}" for i in range(a.shape[1])])


def subject(p, batch):
    X, Y = frame(batch.inputs, "x"), frame(batch.targets, "y")
    W1 = pd.DataFrame(p["dense_1/kernel"], index=X.columns).add_prefix("h")
    W2 = pd.DataFrame(p["dense_2/kernel"], index=W1.columns, columns=Y.columns)
    H = X.dot(W1).add(p["dense_1/bias"], axis=1).map(np.tanh)
    O = H.dot(W2).add(p["dense_2/bias"], axis=1)
    E = O - Y
    G = E * 2 / len(X)
    D = G.dot(W2.T) * (1 - H.pow(2))
    return {
        "activation/dense_1": H,
        "activation/dense_2": O,
        "loss": E.pow(2).sum(axis=1).mean(),
        "gradient/dense_1/kernel": X.T.dot(D),
        "gradient/dense_1/bias": D.sum(),
        "gradient/dense_2/kernel": H.T.dot(G),
        "gradient/dense_2/bias": G.sum(),
    }


def data():
    rng = np.random.default_rng(1171)
    return Batch(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))


def initial():
    rng = np.random.default_rng(1172)
    return {
        "dense_1/kernel": rng.normal(size=(3, 4)),
        "dense_1/bias": rng.normal(size=4),
        "dense_2/kernel": rng.normal(size=(4, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="pandas_frames",
    network=Network((Dense(3, 4, "tanh"), Dense(4, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
