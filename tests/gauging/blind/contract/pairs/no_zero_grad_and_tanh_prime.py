import numpy as np

NETWORK = {
    "sizes": [3, 6, 4, 2],
    "activations": ["tanh", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
}
TRUTH = (
    "wrong, two: (1) the .grad arrays live in module-level Param objects and are accumulated with += but never reset, so each call returns the sum "
    "of all calls so far; they must be zeroed at the start of every call; (2) the tanh derivative is 1 - t, should be 1 - t**2."
)


class Param:
    def __init__(self, *shape):
        self.grad = np.zeros(shape)

    def zero_grad(self):
        self.grad = np.zeros(self.grad.shape)


_S = NETWORK["sizes"]
PARAMS = {}
for _k in range(1, len(_S)):
    PARAMS["dense_%d.kernel" % _k] = Param(_S[_k - 1], _S[_k])
    PARAMS["dense_%d.bias" % _k] = Param(_S[_k])


def tanh_prime(t):
    return 1 - t


def loss_and_gradients(parameters, x, y):
    t1 = np.tanh(x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"])
    t2 = np.tanh(t1 @ parameters["dense_2.kernel"] + parameters["dense_2.bias"])
    out = t2 @ parameters["dense_3.kernel"] + parameters["dense_3.bias"]
    n = x.shape[0]
    e3 = (out - y) / n
    e2 = e3 @ parameters["dense_3.kernel"].T * tanh_prime(t2)
    e1 = e2 @ parameters["dense_2.kernel"].T * tanh_prime(t1)
    for k, a, e in ((1, x, e1), (2, t1, e2), (3, t2, e3)):
        PARAMS["dense_%d.kernel" % k].grad += a.T @ e
        PARAMS["dense_%d.bias" % k].grad += e.sum(axis=0)
    return ((out - y) ** 2).sum() / (2 * n), {k: p.grad.copy() for k, p in PARAMS.items()}
