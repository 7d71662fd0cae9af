"""Forward pass with preallocated work arrays, to spare allocations."""

import numpy as np

NETWORK = {
    "sizes": [6, 9, 9, 4],
    "activations": ["tanh", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.01,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "The work arrays are looked up by shape, so the two hidden layers of equal width share one array: the second layer's forward "
    "pass overwrites the first layer's stored activations, and the backward pass uses the wrong ones for dense_2.kernel and for "
    "tanh' of layer 1. Each layer needs an array of its own (key with the layer's number)."
)


class Net:
    def __init__(self, parameters):
        self.p = parameters
        self.L = len(NETWORK["sizes"]) - 1
        self._work = {}

    def work(self, layer, shape):
        key = shape
        if key not in self._work:
            self._work[key] = np.empty(shape)
        return self._work[key]

    def forward(self, x):
        self.acts = [x]
        for l in range(1, self.L + 1):
            W, b = self.p[f"dense_{l}.kernel"], self.p[f"dense_{l}.bias"]
            z = self.acts[-1] @ W
            z += b
            buf = self.work(l, z.shape)
            if l < self.L:
                np.tanh(z, out=buf)
            else:
                z -= z.max(axis=1, keepdims=True)
                np.exp(z, out=buf)
                buf /= buf.sum(axis=1, keepdims=True)
            self.acts.append(buf)
        return self.acts[-1]

    def backward(self, y):
        g = {}
        delta = (self.acts[-1] - y) / len(y)
        for l in range(self.L, 0, -1):
            W = self.p[f"dense_{l}.kernel"]
            g[f"dense_{l}.kernel"] = self.acts[l - 1].T @ delta + NETWORK["l2"] * W
            g[f"dense_{l}.bias"] = delta.sum(axis=0)
            if l > 1:
                delta = delta @ W.T
                delta *= 1.0 - self.acts[l - 1] ** 2
        return g


def loss_and_gradients(parameters, x, y):
    net = Net(parameters)
    p = net.forward(x)
    penalty = sum(np.sum(parameters[k] ** 2) for k in parameters if k.endswith("kernel"))
    loss = -np.sum(y * np.log(p + 1e-300)) / len(x) + 0.5 * NETWORK["l2"] * penalty
    return float(loss), net.backward(y)
