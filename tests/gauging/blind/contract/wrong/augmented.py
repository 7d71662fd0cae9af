"""Biases live as an extra last row of every weight matrix; inputs get a column of ones."""

import numpy as np

NETWORK = {
    "sizes": [6, 7, 5, 3],
    "activations": ["sigmoid", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.03,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "The penalty, in the loss as well as in the gradient, is taken over the augmented matrices that contain the biases as last row; "
    "so biases are penalised too. Only the rows of the kernel, theta[:-1], should be. (Loss and gradient agree with each other.)"
)


def ones(a):
    return np.hstack([a, np.ones((a.shape[0], 1))])


def loss_and_gradients(parameters, x, y):
    theta = [
        np.vstack([parameters[f"dense_{i}.kernel"], parameters[f"dense_{i}.bias"]])
        for i in (1, 2, 3)
    ]
    reg = [t.copy() for t in theta]
    n = len(x)

    a0 = ones(x)
    s1 = 1 / (1 + np.exp(-(a0 @ theta[0])))
    a1 = ones(s1)
    s2 = np.tanh(a1 @ theta[1])
    a2 = ones(s2)
    z = a2 @ theta[2]
    z = z - z.max(1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)

    loss = -(y * np.log(p + 1e-300)).sum() / n + NETWORK["l2"] / 2 * sum((r**2).sum() for r in reg)

    d3 = (p - y) / n
    d2 = (d3 @ theta[2].T)[:, :-1] * (1 - s2**2)
    d1 = (d2 @ theta[1].T)[:, :-1] * s1 * (1 - s1)
    grads = {}
    for i, (a, d) in enumerate(zip((a0, a1, a2), (d1, d2, d3))):
        g = a.T @ d + NETWORK["l2"] * reg[i]
        grads[f"dense_{i + 1}.kernel"] = g[:-1]
        grads[f"dense_{i + 1}.bias"] = g[-1]
    return loss, grads
