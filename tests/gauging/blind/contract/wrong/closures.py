"""Every forward operation pushes a function that carries the gradient back."""

import numpy as np

NETWORK = {
    "sizes": [6, 7, 6, 5, 3],
    "activations": ["tanh", "relu", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "The backward closures for the activations capture the loop variable `name` late: when they run, all use the last hidden activation's "
    "derivative (sigmoid). Each should bind its own name (name=name as default argument), as z is bound."
)

F = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
DF = {
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: 1.0 * (z > 0),
    "sigmoid": lambda z: F["sigmoid"](z) * (1 - F["sigmoid"](z)),
}


def loss_and_gradients(parameters, x, y):
    tape, grads = [], {}

    def dense(a, i):
        W = parameters[f"dense_{i}.kernel"]

        def back(d):
            grads[f"dense_{i}.kernel"] = a.T @ d
            grads[f"dense_{i}.bias"] = d.sum(axis=0)
            return d @ W.T

        tape.append(back)
        return a @ W + parameters[f"dense_{i}.bias"]

    a = x
    for i, name in enumerate(NETWORK["activations"][:-1], start=1):
        z = dense(a, i)
        a = F[name](z)
        tape.append(lambda d, z=z: d * DF[name](z))
    z = dense(a, len(NETWORK["activations"]))
    shifted = z - z.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(y * logp).sum() / len(y)

    d = (np.exp(logp) - y) / len(y)
    for back in reversed(tape):
        d = back(d)
    return loss, grads
