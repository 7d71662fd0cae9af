"""Regressor grown out of an older classifier."""

import numpy as np

NETWORK = {
    "sizes": [6, 8, 5, 2],
    "activations": ["sigmoid", "relu", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) sum of squares",
    "l2": 0.01,
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
}
TRUTH = (
    "prepare() casts the targets to integers, a leftover of class labels; real-valued regression targets are truncated toward zero, "
    "so that loss and gradients aim at the wrong values. The targets should stay floats."
)


def prepare(x, y):
    x = np.asarray(x, dtype=np.float64)
    y = np.asarray(y)
    if y.ndim == 1:
        y = y[:, np.newaxis]
    return x, y.astype(np.int64)


class Regressor:
    def __init__(self, parameters):
        self.params = parameters

    def forward(self, x):
        p = self.params
        self.x = x
        self.h1 = 1 / (1 + np.exp(-(x @ p["dense_1.kernel"] + p["dense_1.bias"])))
        self.h2 = np.maximum(self.h1 @ p["dense_2.kernel"] + p["dense_2.bias"], 0)
        return self.h2 @ p["dense_3.kernel"] + p["dense_3.bias"]

    def backward(self, d):
        p, g = self.params, {}
        g["dense_3.kernel"], g["dense_3.bias"] = self.h2.T @ d, d.sum(axis=0)
        d = d @ p["dense_3.kernel"].T * (self.h2 > 0)
        g["dense_2.kernel"], g["dense_2.bias"] = self.h1.T @ d, d.sum(axis=0)
        d = d @ p["dense_2.kernel"].T * (self.h1 - self.h1**2)
        g["dense_1.kernel"], g["dense_1.bias"] = self.x.T @ d, d.sum(axis=0)
        for k in g:
            if "kernel" in k:
                g[k] += NETWORK["l2"] * p[k]
        return g


def loss_and_gradients(parameters, x, y):
    x, y = prepare(x, y)
    model = Regressor(parameters)
    diff = model.forward(x) - y
    loss = (diff**2).sum() / (2 * len(x))
    loss += sum(NETWORK["l2"] / 2 * (w**2).sum() for k, w in parameters.items() if "kernel" in k)
    return loss, model.backward(diff / len(x))
