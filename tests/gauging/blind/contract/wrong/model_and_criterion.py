"""A model that returns class probabilities, and a criterion; modelled on a well-known framework."""

import numpy as np

NETWORK = {
    "sizes": [9, 8, 6, 4],
    "activations": ["relu", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.001,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "Softmax is applied twice: the model ends in softmax, and CrossEntropyLoss, which expects logits, applies log-softmax to the "
    "probabilities once more. Forward and backward agree with each other, but the loss is not -log p. The criterion should take the "
    "log of the probabilities (or get the logits)."
)


class Softmax:
    def __call__(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.s = e / e.sum(axis=1, keepdims=True)
        return self.s

    def backward(self, g):
        return self.s * (g - (g * self.s).sum(axis=1, keepdims=True))


class Tanh:
    def __call__(self, z):
        self.a = np.tanh(z)
        return self.a

    def backward(self, g):
        return g * (1 - self.a**2)


class ReLU:
    def __call__(self, z):
        self.on = z > 0
        return z * self.on

    def backward(self, g):
        return g * self.on


class Linear:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def __call__(self, a):
        self.a = a
        return a @ self.W + self.b

    def backward(self, g):
        self.gW = self.a.T @ g + NETWORK["l2"] * self.W
        self.gb = g.sum(axis=0)
        return g @ self.W.T


class CrossEntropyLoss:
    def __call__(self, out, y):
        self.y, self.out = y, out
        self.logp = out - np.log(np.exp(out).sum(axis=1, keepdims=True))
        return -np.sum(y * self.logp) / len(y)

    def backward(self):
        return (np.exp(self.logp) - self.y) / len(self.y)


def loss_and_gradients(parameters, x, y):
    lin = [
        Linear(parameters[f"dense_{i}.kernel"], parameters[f"dense_{i}.bias"]) for i in (1, 2, 3)
    ]
    model = [lin[0], ReLU(), lin[1], Tanh(), lin[2], Softmax()]
    criterion = CrossEntropyLoss()
    out = x
    for module in model:
        out = module(out)
    loss = criterion(out, y) + sum(0.5 * NETWORK["l2"] * np.sum(l.W**2) for l in lin)
    g = criterion.backward()
    for module in model[::-1]:
        g = module.backward(g)
    grads = {}
    for i, l in enumerate(lin, 1):
        grads[f"dense_{i}.kernel"], grads[f"dense_{i}.bias"] = l.gW, l.gb
    return loss, grads
