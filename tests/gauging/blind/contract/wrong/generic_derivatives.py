"""Every activation comes with its derivative, every loss with its gradient; backward only multiplies."""

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


ACTIVATIONS = {
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(float)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
    "softmax": (softmax, lambda z, a: a * (1 - a)),
}
LOSSES = {
    "categorical_crossentropy": (
        lambda p, y: -np.sum(y * np.log(np.maximum(p, 1e-300))) / len(y),
        lambda p, y: -(y / np.maximum(p, 1e-300)) / len(y),
    ),
}
NETWORK = {
    "sizes": [6, 10, 8, 4],
    "activations": ["relu", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "Softmax is treated as an elementwise activation with derivative a*(1-a): the off-diagonal terms -a_i*a_j of its Jacobian are missing, "
    "so only the true class gets a gradient, y*(p-1). The delta of the last layer should be (p - y)/n (full Jacobian)."
)


def loss_and_gradients(parameters, x, y):
    record, a = [], x
    for i, name in enumerate(NETWORK["activations"]):
        f, _ = ACTIVATIONS[name]
        z = a @ parameters[f"dense_{i + 1}.kernel"] + parameters[f"dense_{i + 1}.bias"]
        record.append((a, z, f(z)))
        a = record[-1][2]
    value, gradient = LOSSES[NETWORK["loss"]]
    loss, da = value(a, y), gradient(a, y)
    grads = {}
    for i in reversed(range(len(record))):
        inp, z, out = record[i]
        dz = da * ACTIVATIONS[NETWORK["activations"][i]][1](z, out)
        grads[f"dense_{i + 1}.kernel"] = inp.T @ dz
        grads[f"dense_{i + 1}.bias"] = dz.sum(axis=0)
        da = dz @ parameters[f"dense_{i + 1}.kernel"].T
    return loss, grads
