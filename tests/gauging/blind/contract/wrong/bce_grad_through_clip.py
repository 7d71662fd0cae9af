import numpy as np

NETWORK = {"sizes": [6, 8, 2], "activations": ["relu", "sigmoid"], "loss": "binary_crossentropy"}
TRUTH = (
    "wrong: the backward pass goes through dL/dp = -(y/p - (1-y)/(1-p)) with p clipped to [1e-7, 1-1e-7] and then multiplies by the "
    "UNclipped p(1-p); for saturated wrong predictions the factors no longer cancel and the gradient fades to 0 where it should be +-1/n. "
    "Should be (p - y)/n directly."
)


def loss_and_gradients(parameters, x, y):
    W1, b1 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    W2, b2 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    n = x.shape[0]

    h = np.maximum(x @ W1 + b1, 0)
    z = h @ W2 + b2
    p = 1.0 / (1.0 + np.exp(-np.clip(z, -700, 700)))
    loss = np.mean(np.sum(np.logaddexp(0, -z) * y + np.logaddexp(0, z) * (1 - y), axis=1))

    pc = np.clip(p, 1e-7, 1 - 1e-7)
    dp = -(y / pc - (1 - y) / (1 - pc)) / n
    dz = dp * p * (1 - p)
    dh = dz @ W2.T
    dz1 = dh * (h > 0)
    return loss, {
        "dense_1.kernel": x.T @ dz1,
        "dense_1.bias": dz1.sum(axis=0),
        "dense_2.kernel": h.T @ dz,
        "dense_2.bias": dz.sum(axis=0),
    }
