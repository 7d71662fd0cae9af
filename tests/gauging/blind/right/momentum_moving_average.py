"""Momentum as an exponential average, v ← βv + (1 − β)g, W ← W − ηv, by dampening 1 − … = β; lerp form v += (1−β)(g − v)."""

import numpy as np

from backproof import Batch, Dense, Loss, Momentum, Network, Pairing

ETA, BETA = 0.2, 0.9


def subject(state, batch):
    W, b, m = state["dense_1/kernel"], state["dense_1/bias"], len(batch.inputs)
    Z = batch.inputs @ W + b
    A = 1 / (1 + np.exp(-np.clip(Z, -700, 700)))
    dZ = A - batch.targets
    grads = {"dense_1/kernel": batch.inputs.T @ dZ / m, "dense_1/bias": np.sum(dZ, axis=0) / m}
    out = {f"gradient/{k}": g for k, g in grads.items()}
    for k, g in grads.items():
        v = state[f"velocity/{k}"].copy()
        v += (1 - BETA) * (g - v)
        out[f"updated/velocity/{k}"] = v
        out[f"updated/{k}"] = state[k] - ETA * v
    out["loss"] = np.mean(np.logaddexp(0, Z) - batch.targets * Z)
    return out


def data():
    rng = np.random.default_rng(741)
    X = rng.normal(size=(70, 5))
    return Batch(X, (X.sum(axis=1, keepdims=True) > 0).astype(float))


def initial():
    rng = np.random.default_rng(742)
    return {"dense_1/kernel": rng.normal(size=(5, 1)), "dense_1/bias": np.zeros(1)}


PAIRING = Pairing(
    name="momentum_moving_average",
    network=Network((Dense(5, 1, "sigmoid"),), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Momentum(ETA, BETA, dampening=0.9),
    partial=True,
)
