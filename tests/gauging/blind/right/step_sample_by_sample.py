"""The step is taken in pieces, W −= η g_s/n for each sample with gradients all at the old weights; gradients are recovered."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

ETA = 0.1


def step(p, batch):
    old = {k: v.copy() for k, v in p.items()}
    new = {k: v.copy() for k, v in p.items()}
    n = len(batch.inputs)
    for x, y in zip(batch.inputs, batch.targets):
        h = np.tanh(x @ old["dense_1/kernel"] + old["dense_1/bias"])
        e = h @ old["dense_2/kernel"] + old["dense_2/bias"] - y
        d = old["dense_2/kernel"] @ e * (1 - h**2)
        new["dense_1/kernel"] -= ETA * np.outer(x, d) / n
        new["dense_1/bias"] -= ETA * d / n
        new["dense_2/kernel"] -= ETA * np.outer(h, e) / n
        new["dense_2/bias"] -= ETA * e / n
    return {f"updated/{k}": v for k, v in new.items()}


def data():
    rng = np.random.default_rng(701)
    return Batch(rng.normal(size=(50, 3)), rng.normal(size=(50, 2)))


def initial():
    rng = np.random.default_rng(702)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="step_sample_by_sample",
    network=Network((Dense(3, 5, "tanh"), Dense(5, 2)), Loss("squared_error", scale=0.5)),
    subject=adapters.from_step(step, learning_rate=ETA),
    data=data,
    initial=initial,
    optimizer=GradientDescent(ETA),
    partial=True,
)
