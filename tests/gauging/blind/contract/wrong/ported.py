"""Ported from a library that keeps weights as (out, in)."""

import numpy as np

NETWORK = {
    "sizes": [5, 7, 4, 3],
    "activations": ["tanh", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.002,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "The weight gradient is computed as (out, in) and brought to the kernel's shape by reshape, which keeps the memory order and scrambles "
    "the entries. It should be transposed. All kernel gradients' data part is wrong, the biases' right."
)


def linear(inp, weight, bias):
    return inp @ weight.T + bias


def linear_vjp(grad_out, inp, weight):
    return grad_out @ weight, grad_out.T @ inp, grad_out.sum(axis=0)


def loss_and_gradients(parameters, x, y):
    weights = [parameters[f"dense_{i}.kernel"].T for i in (1, 2, 3)]
    biases = [parameters[f"dense_{i}.bias"] for i in (1, 2, 3)]
    h1 = np.tanh(linear(x, weights[0], biases[0]))
    h2 = 1.0 / (1.0 + np.exp(-linear(h1, weights[1], biases[1])))
    logits = linear(h2, weights[2], biases[2])
    logits = logits - logits.max(axis=1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = -(y * logp).sum() / x.shape[0] + NETWORK["l2"] * 0.5 * sum(
        (w * w).sum() for w in weights
    )

    raw = {}
    g = (np.exp(logp) - y) / x.shape[0]
    g, raw[3, "w"], raw[3, "b"] = linear_vjp(g, h2, weights[2])
    g, raw[2, "w"], raw[2, "b"] = linear_vjp(g * h2 * (1 - h2), h1, weights[1])
    _, raw[1, "w"], raw[1, "b"] = linear_vjp(g * (1 - h1 * h1), x, weights[0])

    gradients = {}
    for i in (1, 2, 3):
        kernel = parameters[f"dense_{i}.kernel"]
        gradients[f"dense_{i}.kernel"] = raw[i, "w"].reshape(kernel.shape) + NETWORK["l2"] * kernel
        gradients[f"dense_{i}.bias"] = raw[i, "b"]
    return loss, gradients
