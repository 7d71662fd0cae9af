"""The hidden outputs are kept at 0.8 of their size, a dropout's scale that was left on. They should be whole."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "The hidden outputs are multiplied by 0.8, a scale of a dropout that was left on.",
)


def feed(x, weights):
    """All layers' outputs, the inputs first."""
    outs = [x]
    for depth, (w, b) in enumerate(weights):
        s = outs[-1] @ w + b
        outs.append(s if depth + 1 == len(weights) else 0.8 * np.tanh(s))
    return outs


def objective(pred, goal):
    gap = pred - goal
    return np.sum(gap * gap) / len(gap)


def train(x, goal, weights):
    x = x
    outs = feed(x, weights)
    signal = 2 * (outs[-1] - goal) / len(x)
    grads = []
    for depth in reversed(range(len(weights))):
        w, _ = weights[depth]
        grads.insert(0, (outs[depth].T @ signal, signal.sum(axis=0)))
        signal = (signal @ w.T) * (1 - outs[depth] ** 2) if depth else None
    return objective(outs[-1], goal), outs[1:], grads


def subject(state, batch):
    names = ["dense_1", "dense_2", "dense_3"]
    weights = [(state[f"{n}/kernel"], state[f"{n}/bias"]) for n in names]
    loss, outs, grads = train(batch.inputs, batch.targets, weights)
    found = {"loss": loss}
    for n, out, (gw, gb) in zip(names, outs, grads):
        found |= {f"activation/{n}": out, f"gradient/{n}/kernel": gw, f"gradient/{n}/bias": gb}
    return found


def data():
    rng = np.random.default_rng(302)
    x = rng.normal(size=(34, 5))
    return Batch(x, np.stack([np.sin(x[:, 0]), x[:, 1] * x[:, 2]], axis=1))


def initial():
    rng = np.random.default_rng(302 + 1)
    found = {}
    for k, (rows, columns) in enumerate([(5, 9), (9, 6), (6, 2)], start=1):
        found[f"dense_{k}/kernel"] = rng.normal(size=(rows, columns)) / np.sqrt(rows)
        found[f"dense_{k}/bias"] = 0.2 * rng.normal(size=columns)
    return found


PAIRING = Pairing(
    name="dropout_scale_left_on",
    network=Network((Dense(5, 9, "tanh"), Dense(9, 6, "tanh"), Dense(6, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    quantities=("activation", "loss", "gradient"),
    steps=5,
)
