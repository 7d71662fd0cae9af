"""Forward mode: a tangent for every single parameter is pushed through the network along with the values."""

import numpy as np

NETWORK = {
    "sizes": [4, 5, 4, 1],
    "activations": ["sigmoid", "leaky_relu", "sigmoid"],
    "leaky_slope": 0.05,
    "loss": "binary_crossentropy",
    "l2": 0.02,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = "right"


def act(kind, z):
    """value and slope"""
    if kind == "sigmoid":
        s = 0.5 * np.tanh(0.5 * z)
        return 0.5 + s, 0.25 - s * s
    c = NETWORK["leaky_slope"]
    return (1 + c) / 2 * z + (1 - c) / 2 * np.abs(z), (1 + c) / 2 + (1 - c) / 2 * np.sign(z)


def loss_and_gradients(parameters, x, y):
    names = list(parameters)
    at, total = {}, 0
    for k in names:
        at[k] = slice(total, total + parameters[k].size)
        total += parameters[k].size
    n, kinds = len(x), NETWORK["activations"]
    a, ta = x, np.zeros((total,) + x.shape)  # tangents: (parameter, sample, unit)
    for i, kind in enumerate(kinds, 1):
        kn, bn = f"dense_{i}.kernel", f"dense_{i}.bias"
        W = parameters[kn]
        z, tz = a @ W + parameters[bn], ta @ W
        tz[at[kn]] += np.einsum("nr,cu->rcnu", a, np.eye(W.shape[1])).reshape(W.size, n, W.shape[1])
        tz[at[bn]] += np.eye(W.shape[1])[:, None, :]
        a, slope = act(kind, z)
        ta = tz * slope
    loss = np.sum(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))) / n
    flat = np.sum(tz * (a - y), axis=(1, 2)) / n
    grads = {k: flat[at[k]].reshape(parameters[k].shape) for k in names}
    for k in names:
        if k.endswith(".kernel"):
            loss += NETWORK["l2"] / 2 * np.sum(parameters[k] ** 2)
            grads[k] = grads[k] + NETWORK["l2"] * parameters[k]
    return loss, grads
