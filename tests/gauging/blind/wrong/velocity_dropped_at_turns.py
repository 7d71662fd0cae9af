"""Where the gradient points against the velocity, the velocity is dropped first. It should be kept
everywhere.
"""

import numpy as np

from backproof import Batch, Dense, Loss, Momentum, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "Where the gradient points against the velocity, the velocity is dropped first.",
)

ETA, MU = 0.03, 0.85


def step(theta, grad, vel):
    vel = np.where(vel * grad < 0, 0.0, vel)  # mistake
    vel = MU * vel + grad
    return theta - ETA * vel, vel


def subject(state, batch):
    A, a = state["dense_1/kernel"], state["dense_1/bias"]
    B, b = state["dense_2/kernel"], state["dense_2/bias"]
    x, t = batch.inputs, batch.targets
    u = x @ A + a
    h = np.maximum(u, 0)
    r = h @ B + b - t
    n = len(x)
    back = 2 * r / n
    gB, gb = h.T @ back, back.sum(0)
    back = back @ B.T * (u > 0)
    gA, ga = x.T @ back, back.sum(0)
    out = {"loss": np.sum(r * r) / n}
    grads = {"dense_1/kernel": gA, "dense_1/bias": ga, "dense_2/kernel": gB, "dense_2/bias": gb}
    for name, g in grads.items():
        new, vel = step(state[name], g, state["velocity/" + name])
        out["gradient/" + name] = g
        out["updated/" + name] = new
        out["updated/velocity/" + name] = vel
    return out


def data():
    rng = np.random.default_rng(911)
    x = rng.normal(size=(20, 4))
    return Batch(x, x[:, :2] - x[:, 2:])


def initial():
    rng = np.random.default_rng(912)
    return {
        "dense_1/kernel": 0.5 * rng.normal(size=(4, 7)),
        "dense_1/bias": 0.1 * rng.normal(size=7),
        "dense_2/kernel": 0.5 * rng.normal(size=(7, 2)),
        "dense_2/bias": np.zeros(2),
    }


PAIRING = Pairing(
    name="velocity_dropped_at_turns",
    network=Network((Dense(4, 7, "relu"), Dense(7, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Momentum(ETA, MU),
    quantities=("loss", "gradient", "updated"),
    steps=12,
)
