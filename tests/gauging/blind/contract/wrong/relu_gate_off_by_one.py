"""Regression net, list-of-layers style."""

import numpy as np

NETWORK = {
    "sizes": [4, 6, 6, 6, 2],
    "activations": ["relu", "relu", "relu", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
}
TRUTH = (
    "wrong: in the backward pass of loss_and_gradients the ReLU gate is read from zs[i - 1], one layer too low "
    "(zs is zero-based: zs[i] belongs to dense_{i+1}); "
    "it should be zs[i] > 0. (max(..., 0) hides the negative index, so dense_1 itself is gated rightly.)"
)


def loss_and_gradients(parameters, x, y):
    n_layers = len(NETWORK["sizes"]) - 1
    zs, acts = [], [x]
    for i in range(n_layers):
        z = acts[-1] @ parameters[f"dense_{i + 1}.kernel"] + parameters[f"dense_{i + 1}.bias"]
        zs.append(z)
        acts.append(np.maximum(z, 0.0) if i < n_layers - 1 else z)

    diff = acts[-1] - y
    loss = 0.5 * np.sum(diff**2) / x.shape[0]

    grads = {}
    delta = diff / x.shape[0]
    for i in reversed(range(n_layers)):
        if i < n_layers - 1:
            delta = delta * (zs[max(i - 1, 0)] > 0)
        grads[f"dense_{i + 1}.kernel"] = acts[i].T @ delta
        grads[f"dense_{i + 1}.bias"] = delta.sum(axis=0)
        delta = delta @ parameters[f"dense_{i + 1}.kernel"].T
    return loss, grads
