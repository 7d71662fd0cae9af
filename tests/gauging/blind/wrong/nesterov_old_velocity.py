"""Nesterov's step looks ahead with the velocity before the update. It should use the updated
one.
"""

import numpy as np

from backproof import Batch, Dense, Loss, Momentum, Network, Pairing, activations

MISTAKES: tuple[str, ...] = ("Nesterov's step looks ahead with the velocity before the update.",)

RATE, MOM = 0.02, 0.8


def forward(W, b, X):
    H = X
    hidden = []
    for i in range(len(W)):
        Z = H @ W[i] + b[i]
        H = np.maximum(Z, 0.1 * Z) if i < len(W) - 1 else Z
        hidden.append(H)
    return hidden


def hinge(S, Y):
    margins = np.maximum(0, 1 - Y * S)
    return margins.sum() / len(Y)


def backward(W, X, hidden, Y):
    inputs = [X, *hidden[:-1]]
    D = np.where(Y * hidden[-1] < 1, -Y, 0) / len(Y)
    gW, gb = [], []
    for i in range(len(W) - 1, -1, -1):
        gW.append(inputs[i].T @ D)
        gb.append(D.sum(axis=0))
        if i:
            D = (D @ W[i].T) * np.where(inputs[i] > 0, 1, 0.1)
    return gW[::-1], gb[::-1]


def nesterov(p, g, v):
    old = v
    v = MOM * v + g
    return p - RATE * (g + MOM * old), v  # mistake


def subject(state, batch):
    layers = [1, 2, 3]
    W = [state[f"dense_{i}/kernel"] for i in layers]
    b = [state[f"dense_{i}/bias"] for i in layers]
    hidden = forward(W, b, batch.inputs)
    gW, gb = backward(W, batch.inputs, hidden, batch.targets)
    out = {"loss": hinge(hidden[-1], batch.targets)}
    for i in layers:
        for part, p, g in (("kernel", W[i - 1], gW[i - 1]), ("bias", b[i - 1], gb[i - 1])):
            name = f"dense_{i}/{part}"
            new, v = nesterov(p, g, state["velocity/" + name])
            out[f"gradient/{name}"] = g
            out[f"updated/{name}"], out[f"updated/velocity/{name}"] = new, v
    return out


def data():
    rng = np.random.default_rng(140)
    X = rng.normal(size=(26, 3))
    return Batch(X, np.where(X[:, :2] * X[:, 1:] > 0, 1.0, -1.0))


def initial():
    rng = np.random.default_rng(141)
    out = {}
    for i, s in enumerate([(3, 8), (8, 5), (5, 2)], start=1):
        out[f"dense_{i}/kernel"] = 0.5 * rng.normal(size=s)
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=s[1])
    return out


LEAKY = activations.named("leaky_relu", alpha=0.1)
PAIRING = Pairing(
    name="nesterov_old_velocity",
    network=Network((Dense(3, 8, LEAKY), Dense(8, 5, LEAKY), Dense(5, 2)), Loss("hinge")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Momentum(RATE, MOM, nesterov=True),
    quantities=("loss", "gradient", "updated"),
    steps=20,
)
