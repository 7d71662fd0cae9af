import numpy as np

NETWORK = {
    "sizes": [4, 7, 5, 3],
    "activations": ["tanh", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.05,
}
TRUTH = (
    "wrong, two: (1) tanh is built from the sigmoid as 2*sigmoid(z) - 1, the identity needs 2*sigmoid(2z) - 1 (the derivative 1 - t^2 is that "
    "of the real tanh); (2) the penalty loop runs over range(1, L), which leaves out the last kernel dense_3 in loss and gradient; "
    "should be range(1, L + 1)."
)


def sigmoid(z):
    return np.exp(-np.logaddexp(0.0, -z))


def tanh(z):
    return 2.0 * sigmoid(z) - 1.0


def loss_and_gradients(parameters, x, y):
    L = len(NETWORK["sizes"]) - 1
    W = {l: parameters[f"dense_{l}.kernel"] for l in range(1, L + 1)}
    b = {l: parameters[f"dense_{l}.bias"] for l in range(1, L + 1)}
    a = {0: x}
    for l in range(1, L):
        a[l] = tanh(a[l - 1] @ W[l] + b[l])
    z = a[L - 1] @ W[L] + b[L]
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    n = x.shape[0]

    g = {}
    d = (np.exp(logp) - y) / n
    for l in range(L, 0, -1):
        g[f"dense_{l}.kernel"] = a[l - 1].T @ d
        g[f"dense_{l}.bias"] = d.sum(axis=0)
        if l > 1:
            d = d @ W[l].T * (1 - a[l - 1] ** 2)

    loss = -(y * logp).sum() / n
    for l in range(1, L):
        loss += 0.5 * NETWORK["l2"] * np.sum(W[l] ** 2)
        g[f"dense_{l}.kernel"] += NETWORK["l2"] * W[l]
    return loss, g
