"""Samples are reduced by a recursive binary tree; cumsum()[-1] gives the loss."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def tree(items):
    if len(items) == 1:
        return items[0]
    half = len(items) // 2
    left, right = tree(items[:half]), tree(items[half:])
    return {k: left[k] + right[k] for k in left}


def one(p, x, y, n):
    h = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    e = h @ p["dense_2/kernel"] + p["dense_2/bias"] - y
    d = (p["dense_2/kernel"] @ e) * (1 - h * h)
    g = {
        "dense_1/kernel": np.outer(x, d),
        "dense_1/bias": d,
        "dense_2/kernel": np.outer(h, e),
        "dense_2/bias": e,
    }
    return {k: v * 2 / n for k, v in g.items()} | {"loss": e @ e}


def subject(p, batch):
    n = len(batch.inputs)
    items = [one(p, x, y, n) for x, y in zip(batch.inputs, batch.targets)]
    losses = np.array([item.pop("loss") for item in items])
    out = {f"gradient/{k}": v for k, v in tree(items).items()}
    out["loss"] = losses.cumsum()[-1] / n
    return out


def data():
    rng = np.random.default_rng(541)
    return Batch(rng.normal(size=(37, 5)), rng.normal(size=(37, 2)))


def initial():
    rng = np.random.default_rng(542)
    return {
        "dense_1/kernel": rng.normal(size=(5, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="sums_pairwise_tree",
    network=Network((Dense(5, 6, "tanh"), Dense(6, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
