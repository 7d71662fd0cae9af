import numpy as np

NETWORK = {
    "sizes": [4, 12, 6, 5],
    "activations": ["relu", "leaky_relu", "softmax"],
    "leaky_slope": 0.05,
    "loss": "categorical_crossentropy",
    "l2": 0.01,
}
TRUTH = (
    "wrong: the softmax subtracts the maximum of the whole batch (np.max(z)) instead of each row's own maximum; rows far below it "
    "underflow to 0/0 = nan. Should be z.max(axis=1, keepdims=True)."
)


def softmax(z):
    """numerically stable softmax"""
    e = np.exp(z - np.max(z))
    return e / np.sum(e, axis=1, keepdims=True)


def loss_and_gradients(parameters, x, y):
    n, slope, l2 = len(x), NETWORK["leaky_slope"], NETWORK["l2"]
    K = {i: parameters["dense_%d.kernel" % i] for i in range(1, 4)}
    B = {i: parameters["dense_%d.bias" % i] for i in range(1, 4)}
    z1 = x @ K[1] + B[1]
    a1 = np.maximum(z1, 0)
    z2 = a1 @ K[2] + B[2]
    a2 = np.where(z2 >= 0, z2, slope * z2)
    prob = softmax(a2 @ K[3] + B[3])
    loss = -np.sum(y * np.log(np.maximum(prob, 1e-300))) / n + l2 / 2 * sum(
        np.sum(k**2) for k in K.values()
    )
    d3 = (prob - y) / n
    d2 = d3 @ K[3].T
    d2 = np.where(z2 >= 0, d2, slope * d2)
    d1 = d2 @ K[2].T * (z1 > 0)
    out = {}
    for i, a, d in ((1, x, d1), (2, a1, d2), (3, a2, d3)):
        out["dense_%d.kernel" % i] = a.T @ d + l2 * K[i]
        out["dense_%d.bias" % i] = np.sum(d, 0)
    return loss, out
