"""Small network library: one class per kind of layer, each remembers what backward needs."""

import numpy as np

NETWORK = {
    "sizes": [4, 6, 5, 3],
    "activations": ["sigmoid", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "SigmoidLayer.backward applies the derivative helper, which expects the pre-activation, to the stored output: "
    "it computes s(a)(1-s(a)) with a already activated. It should be a*(1-a) (or the helper at the pre-activation). "
    "All gradients below the last layer are wrong."
)


def sigmoid(t):
    return 1.0 / (1.0 + np.exp(-t))


def sigmoid_prime(t):
    s = sigmoid(t)
    return s * (1.0 - s)


class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, a):
        self.a = a
        return a @ self.W + self.b

    def backward(self, d):
        self.dW = self.a.T @ d
        self.db = d.sum(axis=0)
        return d @ self.W.T


class SigmoidLayer:
    def forward(self, z):
        self.out = sigmoid(z)
        return self.out

    def backward(self, d):
        return d * sigmoid_prime(self.out)


class SoftmaxCrossEntropy:
    def forward(self, z, y):
        z = z - z.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.p, self.y = np.exp(logp), y
        return -(y * logp).sum() / len(y)

    def backward(self):
        return (self.p - self.y) / len(self.y)


def loss_and_gradients(parameters, x, y):
    dense = [
        Dense(parameters[f"dense_{i}.kernel"], parameters[f"dense_{i}.bias"]) for i in (1, 2, 3)
    ]
    layers = [dense[0], SigmoidLayer(), dense[1], SigmoidLayer(), dense[2]]
    out = x
    for layer in layers:
        out = layer.forward(out)
    head = SoftmaxCrossEntropy()
    loss = head.forward(out, y)
    d = head.backward()
    for layer in reversed(layers):
        d = layer.backward(d)
    gradients = {}
    for i, layer in enumerate(dense, 1):
        gradients[f"dense_{i}.kernel"] = layer.dW
        gradients[f"dense_{i}.bias"] = layer.db
    return loss, gradients


def step(parameters, gradients, state):
    lr = NETWORK["optimizer"]["learning_rate"]
    return {k: parameters[k] - lr * gradients[k] for k in parameters}, {
        "step": state.get("step", 0) + 1
    }
