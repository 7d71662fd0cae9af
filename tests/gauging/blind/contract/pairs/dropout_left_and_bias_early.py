import numpy as np

NETWORK = {
    "sizes": [6, 10, 5, 1],
    "activations": ["relu", "tanh", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.0,
}
KEEP = 0.8
TRUTH = (
    "wrong, two: (1) inverted dropout (KEEP = 0.8, fixed seed) after the first hidden layer is still on; the stated network has none "
    "(KEEP must be 1.0); (2) in the backward pass of the hidden layers the bias gradient is summed from da, before the multiplication "
    "with the activation's derivative; should be sum of dz."
)


def loss_and_gradients(parameters, x, y):
    rng = np.random.RandomState(0)
    n = len(x)
    W1, W2, W3 = (parameters["dense_%s.kernel" % k] for k in "123")
    b1, b2, b3 = (parameters["dense_%s.bias" % k] for k in "123")

    z1 = x @ W1 + b1
    a1 = np.maximum(z1, 0)
    drop = (rng.rand(*a1.shape) < KEEP) / KEEP
    a1 = a1 * drop
    a2 = np.tanh(a1 @ W2 + b2)
    z3 = a2 @ W3 + b3
    loss = np.sum(np.logaddexp(0, z3) - y * z3) / n

    dz3 = (1 / (1 + np.exp(-np.clip(z3, -500, 500))) - y) / n
    dW3, db3 = a2.T @ dz3, dz3.sum(0)
    da2 = dz3 @ W3.T
    dz2 = da2 * (1 - a2 * a2)
    dW2, db2 = a1.T @ dz2, da2.sum(0)
    da1 = dz2 @ W2.T * drop
    dz1 = da1 * (z1 > 0)
    dW1, db1 = x.T @ dz1, da1.sum(0)
    return loss, {
        "dense_1.kernel": dW1,
        "dense_2.kernel": dW2,
        "dense_3.kernel": dW3,
        "dense_1.bias": db1,
        "dense_2.bias": db2,
        "dense_3.bias": db3,
    }
