"""Written as ascent on the log-likelihood, several yes/no outputs; signs turned at the end."""

import numpy as np

NETWORK = {
    "sizes": [7, 8, 5, 3],
    "activations": ["tanh", "sigmoid", "sigmoid"],
    "loss": "binary_crossentropy",
    "loss_note": "summed over the outputs, mean over the samples",
    "l2": 0.01,
    "optimizer": {
        "name": "momentum",
        "learning_rate": 0.1,
        "momentum": 0.7,
        "note": "v = mu*v - lr*g; w += v",
    },
}
TRUTH = "right"


def log_sigmoid(z):
    return np.where(z < 0, z, 0) - np.log1p(np.exp(-np.abs(z)))


def loss_and_gradients(parameters, x, y):
    lam, n = NETWORK["l2"], len(x)
    W = [None] + [parameters[f"dense_{i}.kernel"] for i in (1, 2, 3)]
    b = [None] + [parameters[f"dense_{i}.bias"] for i in (1, 2, 3)]
    a1 = np.tanh(x @ W[1] + b[1])
    a2 = np.exp(log_sigmoid(a1 @ W[2] + b[2]))
    z = a2 @ W[3] + b[3]
    log_posterior = np.sum(np.where(y == 1, log_sigmoid(z), log_sigmoid(-z))) / n
    log_posterior -= lam * 0.5 * sum(np.square(w).sum() for w in W[1:])

    # uphill directions
    u3 = (y - np.exp(log_sigmoid(z))) / n
    u2 = u3 @ W[3].T * a2 * (1 - a2)
    u1 = u2 @ W[2].T * (1 - np.square(a1))
    grads = {}
    for i, a, u in ((1, x, u1), (2, a1, u2), (3, a2, u3)):
        grads[f"dense_{i}.kernel"] = -(a.T @ u - lam * W[i])
        grads[f"dense_{i}.bias"] = -u.sum(axis=0)
    return -log_posterior, grads


def step(parameters, gradients, state):
    lr, mu = NETWORK["optimizer"]["learning_rate"], NETWORK["optimizer"]["momentum"]
    v = {
        k: lr * -gradients[k] + mu * state.get("v." + k, np.zeros_like(w))
        for k, w in parameters.items()
    }
    return {k: parameters[k] + v[k] for k in v}, {
        "step": 1 + state.get("step", 0),
        **{"v." + k: u for k, u in v.items()},
    }
