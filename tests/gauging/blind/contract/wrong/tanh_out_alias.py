# memory-frugal version: everything with out=
import numpy as np

NETWORK = {
    "sizes": [3, 10, 7, 1],
    "activations": ["tanh", "tanh", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.0,
}
TRUTH = (
    "wrong: the activation is computed with np.tanh(z, out=z), which overwrites the cached pre-activation; the backward pass "
    "then takes 1 - tanh(z)**2 of the value that is already tanh(z), i.e. tanh is applied twice in the derivative. "
    "Should be a = np.tanh(z) into a new array (or 1 - a**2 in the backward pass)."
)


def loss_and_gradients(parameters, x, y):
    P = parameters
    n = x.shape[0]
    cache = []
    a = x
    for k in (1, 2):
        z = np.dot(a, P["dense_%d.kernel" % k])
        np.add(z, P["dense_%d.bias" % k], out=z)
        cache.append((a, z))
        a = np.tanh(z, out=z)
    z3 = np.dot(a, P["dense_3.kernel"]) + P["dense_3.bias"]
    loss = np.sum(np.logaddexp(0.0, z3) - y * z3) / n

    g = {}
    d = (0.5 * (1 + np.tanh(0.5 * z3)) - y) / n
    g["dense_3.kernel"] = np.dot(a.T, d)
    g["dense_3.bias"] = np.add.reduce(d, axis=0)
    for k in (2, 1):
        a, z = cache.pop()
        d = np.dot(d, P["dense_%d.kernel" % (k + 1)].T)
        d *= 1.0 - np.square(np.tanh(z))
        g["dense_%d.kernel" % k] = np.dot(a.T, d)
        g["dense_%d.bias" % k] = np.add.reduce(d, axis=0)
    return loss, g
