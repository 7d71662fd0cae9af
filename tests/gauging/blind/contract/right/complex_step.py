"""Gradients by the complex-step method: exact to rounding, no backward pass."""

import numpy as np

NETWORK = {
    "sizes": [3, 4, 3, 2],
    "activations": ["tanh", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.1,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = "right"


def ctanh(z):
    # np.tanh of complex numbers to first order in the imaginary part
    t = np.tanh(z.real)
    return t + 1j * z.imag * (1 - t * t)


def loss_of(p, x, y):
    h = ctanh(x @ p["dense_1.kernel"] + p["dense_1.bias"])
    h = 0.5 + 0.5 * ctanh(0.5 * (h @ p["dense_2.kernel"] + p["dense_2.bias"]))
    z = h @ p["dense_3.kernel"] + p["dense_3.bias"]
    z = z - z.real.max(axis=1, keepdims=True)
    loss = np.sum(np.log(np.exp(z).sum(axis=1)) - np.sum(y * z, axis=1)) / len(x)
    return loss + NETWORK["l2"] / 2 * sum(
        np.sum(w * w) for k, w in p.items() if k.endswith("kernel")
    )


def loss_and_gradients(parameters, x, y):
    h = 1e-40
    p = {k: np.array(w, dtype=complex) for k, w in parameters.items()}
    loss = loss_of(p, x, y).real
    grads = {}
    for k, w in p.items():
        g = np.empty(w.shape)
        for i in np.ndindex(w.shape):
            w[i] += 1j * h
            g[i] = loss_of(p, x, y).imag / h
            w[i] -= 1j * h
        grads[k] = g
    return loss, grads
