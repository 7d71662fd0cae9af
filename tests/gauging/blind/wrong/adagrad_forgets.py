"""The step is divided by the size of this gradient alone. It should be divided by the root of the
sum of all squares so far.
"""

import numpy as np

from backproof import Adagrad, Batch, Dense, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = ("The step is divided by the size of this gradient alone.",)

LR, EPS = 0.1, 1e-7


def loss_and_gradients(w, x, y):
    z = x @ w["dense_1/kernel"] + w["dense_1/bias"]
    h = 1 / (1 + np.exp(-z))
    e = h @ w["dense_2/kernel"] + w["dense_2/bias"] - y
    g = e / len(x)
    gh = (g @ w["dense_2/kernel"].T) * h * (1 - h)
    return 0.5 * np.sum(e**2) / len(x), {
        "dense_1/kernel": x.T @ gh,
        "dense_1/bias": gh.sum(axis=0),
        "dense_2/kernel": h.T @ g,
        "dense_2/bias": g.sum(axis=0),
    }


def subject(state, batch):
    loss, grads = loss_and_gradients(state, batch.inputs, batch.targets)
    result = {"loss": loss}
    for k, g in grads.items():
        s = state["sum_of_squares/" + k] + g**2
        result["gradient/" + k] = g
        result["updated/" + k] = state[k] - LR * g / (np.sqrt(g**2) + EPS)  # mistake
        result["updated/sum_of_squares/" + k] = s
    return result


def data():
    rng = np.random.default_rng(941)
    x = rng.normal(size=(22, 3))
    return Batch(x, np.stack([x[:, 0] * x[:, 1], x[:, 2] ** 2], axis=1))


def initial():
    rng = np.random.default_rng(942)
    return {
        "dense_1/kernel": rng.normal(size=(3, 8)),
        "dense_1/bias": 0.3 * rng.normal(size=8),
        "dense_2/kernel": 0.6 * rng.normal(size=(8, 2)),
        "dense_2/bias": 0.1 * rng.normal(size=2),
    }


PAIRING = Pairing(
    name="adagrad_forgets",
    network=Network((Dense(3, 8, "sigmoid"), Dense(8, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Adagrad(LR, EPS),
    quantities=("loss", "gradient", "updated"),
    steps=10,
)
