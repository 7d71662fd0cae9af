"""Layers are generators: they yield their output, then are sent the gradient. The penalty enters as extra rows of data."""

import numpy as np

NETWORK = {
    "sizes": [6, 9, 5, 2],
    "activations": ["tanh", "relu", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) sum of squares",
    "l2": 0.04,
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
}
TRUTH = "right"


def dense(a, W, b, store, name):
    root = np.sqrt(NETWORK["l2"])
    d = yield a @ W + b
    # least squares with ridge rows: [a; root*I]^T [d; root*W] = a^T d + l2*W
    left = np.concatenate([a, root * np.eye(len(W))])
    right = np.concatenate([d, root * W])
    store[name + ".kernel"] = left.T @ right
    store[name + ".bias"] = d.sum(axis=0)
    yield d @ W.T


def nonlinear(z, kind):
    if kind == "tanh":
        d = yield np.tanh(z)
        yield d / np.cosh(np.clip(z, -300, 300)) ** 2
    elif kind == "relu":
        d = yield z.clip(min=0)
        yield d * (z > 0)
    else:
        d = yield z
        yield d


def loss_and_gradients(parameters, x, y, chunk=4):
    n = len(x)
    total, grads = 0.0, {k: 0.0 for k in parameters}
    for lo in range(0, n, chunk):
        xs, ys = x[lo : lo + chunk], y[lo : lo + chunk]
        share = len(xs) / n
        running, store, a = [], {}, xs
        for i, kind in enumerate(NETWORK["activations"], 1):
            for layer in (
                lambda a: dense(
                    a,
                    parameters[f"dense_{i}.kernel"],
                    parameters[f"dense_{i}.bias"],
                    store,
                    f"dense_{i}",
                ),
                lambda a: nonlinear(a, kind),
            ):
                running.append(layer(a))
                a = next(running[-1])
        total += share * ((a - ys) ** 2).sum() / (2 * len(xs))
        d = (a - ys) / len(xs)
        while running:
            d = running.pop().send(d)
        # the penalty is in every piece's gradient, the shares add up to one
        for k in grads:
            grads[k] = grads[k] + share * store[k]
    total += (
        NETWORK["l2"] / 2 * sum((w**2).sum() for k, w in parameters.items() if k.endswith("kernel"))
    )
    return total, grads
