"""AdamW on one flat vector of all parameters: decay first by a factor 1 − ηλ, then the Adam step, state flat too."""

import numpy as np

from backproof import AdamW, Batch, Dense, Loss, Network, Pairing

NAMES = ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]
SHAPES = [(3, 6), (6,), (6, 2), (2,)]
CUTS = np.cumsum([np.prod(s, dtype=int) for s in SHAPES])[:-1]


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


def unflat(vector):
    return [v.reshape(s) for v, s in zip(np.split(vector, CUTS), SHAPES)]


def gradient(theta, X, Y):
    w1, b1, w2, b2 = unflat(theta)
    h = np.tanh(X @ w1 + b1)
    e = (h @ w2 + b2 - Y) / len(X)
    d = e @ w2.T * (1 - h**2)
    return flat([X.T @ d, d.sum(0), h.T @ e, e.sum(0)])


def subject(state, batch):
    theta, m, v = (
        flat([state[slot + k] for k in NAMES]) for slot in ("", "first_moment/", "second_moment/")
    )
    t = int(state["step_count"]) + 1
    g = gradient(theta, batch.inputs, batch.targets)
    theta = theta * (1 - 0.01 * 0.1)
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g * g
    theta = theta - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    out = {}
    for slot, vector in (
        ("gradient/", g),
        ("updated/", theta),
        ("updated/first_moment/", m),
        ("updated/second_moment/", v),
    ):
        out |= {slot + k: a for k, a in zip(NAMES, unflat(vector))}
    return out


def data():
    rng = np.random.default_rng(791)
    return Batch(rng.normal(size=(24, 3)), rng.normal(size=(24, 2)))


def initial():
    rng = np.random.default_rng(792)
    return {k: rng.normal(size=s) for k, s in zip(NAMES, SHAPES)}


PAIRING = Pairing(
    name="adamw_flat_vector",
    network=Network((Dense(3, 6, "tanh"), Dense(6, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=AdamW(0.01, weight_decay=0.1),
    partial=True,
)
