"""The step looks ahead by the gradient as in Nadam, beta1 * m_hat + (1 - beta1) * g. It should be
m_hat, for Adam.
"""

import numpy as np

from backproof import Adam, Batch, Dense, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "The step looks ahead by the gradient as in Nadam, beta1 * m_hat + (1 - beta1) * g.",
)

LR, B1, B2, EPS = 0.02, 0.8, 0.99, 1e-8


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
    t = int(state["step_count"]) + 1
    for k, g in grads.items():
        m = B1 * state["first_moment/" + k] + (1 - B1) * g
        v = B2 * state["second_moment/" + k] + (1 - B2) * g * g
        m_hat, v_hat = m / (1 - B1**t), v / (1 - B2**t)
        ahead = B1 * m_hat + (1 - B1) * g  # mistake
        result["gradient/" + k] = g
        result["updated/" + k] = state[k] - LR * ahead / (np.sqrt(v_hat) + EPS)
        result["updated/first_moment/" + k] = m
        result["updated/second_moment/" + k] = v
    return result


def data():
    rng = np.random.default_rng(921)
    x = rng.normal(size=(22, 3))
    return Batch(x, np.stack([x[:, 0] * x[:, 1], x[:, 2] ** 2], axis=1))


def initial():
    rng = np.random.default_rng(922)
    return {
        "dense_1/kernel": rng.normal(size=(3, 8)),
        "dense_1/bias": 0.3 * rng.normal(size=8),
        "dense_2/kernel": 0.6 * rng.normal(size=(8, 2)),
        "dense_2/bias": 0.1 * rng.normal(size=2),
    }


PAIRING = Pairing(
    name="adam_looks_ahead",
    network=Network((Dense(3, 8, "sigmoid"), Dense(8, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Adam(LR, B1, B2, EPS),
    quantities=("loss", "gradient", "updated"),
    steps=15,
)
