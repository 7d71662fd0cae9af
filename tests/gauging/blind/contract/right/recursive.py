"""The network as a recursion: going down is the forward pass, coming back up the backward pass."""

import numpy as np

NETWORK = {
    "sizes": [9, 9, 9, 9, 3],
    "activations": ["relu", "tanh", "relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.003,
    "optimizer": {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7},
}
TRUTH = "right"


def descend(level, a, p, y, grads):
    """Returns the loss from here on and its derivative by a."""
    W, b = p[f"dense_{level}.kernel"], p[f"dense_{level}.bias"]
    z = a @ W + b
    kind = NETWORK["activations"][level - 1]
    if kind == "softmax":
        u = z - z.max(axis=1, keepdims=True)
        lse = np.log(np.exp(u).sum(axis=1, keepdims=True))
        loss = float(((lse - u) * y).sum()) / len(y)
        # y is one-hot; written for any targets, whose rows may not sum to one
        d = (np.exp(u - lse) * y.sum(axis=1, keepdims=True) - y) / len(y)
    else:
        out = np.tanh(z) if kind == "tanh" else np.maximum(z, 0)
        loss, d = descend(level + 1, out, p, y, grads)
        d = d * ((1 + out) * (1 - out) if kind == "tanh" else out > 0)
    grads[f"dense_{level}.kernel"] = np.vstack(a).T @ d + NETWORK["l2"] * W
    grads[f"dense_{level}.bias"] = d.sum(axis=0)
    return loss + 0.5 * NETWORK["l2"] * np.linalg.norm(W) ** 2, d @ W.T


def loss_and_gradients(parameters, x, y):
    grads = {}
    loss, _ = descend(1, x, parameters, y, grads)
    return loss, {k: grads[k] for k in parameters}


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    nxt = {"step": state.get("step", 0) + 1}
    out = {}
    for k, w in parameters.items():
        old = state.get("v." + k, np.zeros_like(w))
        nxt["v." + k] = old + (1 - o["rho"]) * (gradients[k] * gradients[k] - old)
        out[k] = w - np.divide(
            o["learning_rate"] * gradients[k], o["epsilon"] + nxt["v." + k] ** 0.5
        )
    return out, nxt
