"""The biases take a plain step of gradient descent. They should be divided by the root of
their mean square too.
"""

import numpy as np

from backproof import Batch, Dense, Loss, Network, Pairing, RMSprop

MISTAKES: tuple[str, ...] = ("The biases take a plain step of gradient descent.",)

lr, rho, eps = 0.01, 0.9, 1e-7


def relu(x):
    return np.maximum(x, 0)


def loss_and_grads(w, X, Y):
    a = [X]
    for i in range(3):
        z = a[-1] @ w[f"dense_{i + 1}/kernel"] + w[f"dense_{i + 1}/bias"]
        a.append(relu(z) if i < 2 else z)
    diff = a[3] - Y
    loss = 0.5 * np.sum(diff**2) / len(X)
    d = diff / len(X)
    grads = {}
    for i in reversed(range(3)):
        grads[f"dense_{i + 1}/kernel"] = a[i].T @ d
        grads[f"dense_{i + 1}/bias"] = d.sum(axis=0)
        d = (d @ w[f"dense_{i + 1}/kernel"].T) * (a[i] > 0)
    return loss, grads


def rmsprop_step(w, grads, cache):
    new_w, new_cache = {}, {}
    for name in grads:
        g = grads[name]
        new_cache[name] = rho * cache[name] + (1 - rho) * g**2
        scale = 1.0 if name.endswith("bias") else np.sqrt(new_cache[name]) + eps
        new_w[name] = w[name] - lr * g / scale  # mistake
    return new_w, new_cache


def subject(state, batch):
    names = [n for n in state if n.startswith("dense")]
    w = {n: state[n] for n in names}
    cache = {n: state["mean_square/" + n] for n in names}
    loss, grads = loss_and_grads(w, batch.inputs, batch.targets)
    new_w, new_cache = rmsprop_step(w, grads, cache)
    out = {"loss": loss}
    for n in names:
        out[f"gradient/{n}"] = grads[n]
        out[f"updated/{n}"] = new_w[n]
        out[f"updated/mean_square/{n}"] = new_cache[n]
    return out


def data():
    rng = np.random.default_rng(30)
    X = rng.uniform(-2, 2, size=(40, 2))
    return Batch(X, np.hypot(X[:, :1], X[:, 1:]))


def initial():
    rng = np.random.default_rng(31)
    out = {}
    for i, (m, n) in enumerate([(2, 10), (10, 10), (10, 1)], start=1):
        out[f"dense_{i}/kernel"] = rng.normal(size=(m, n)) * np.sqrt(2 / m)
        out[f"dense_{i}/bias"] = rng.normal(size=n) * 0.1
    return out


PAIRING = Pairing(
    name="rmsprop_plain_biases",
    network=Network(
        (Dense(2, 10, "relu"), Dense(10, 10, "relu"), Dense(10, 1)),
        Loss("squared_error", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=RMSprop(lr, rho, eps),
    quantities=("loss", "gradient", "updated"),
    steps=25,
)
