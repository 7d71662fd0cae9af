"""The gradient of the penalty REG * sum(W**2) is REG * W in each layer. It should be 2 * REG *
W.
"""

import numpy as np

from backproof import Batch, Form, GradientDescent, Loss, Network, Pairing, Penalty
from backproof import Dense as Layer

MISTAKES: tuple[str, ...] = (
    "The gradient of the penalty REG * sum(W**2) is REG * W in each layer.",
)

REG = 0.01


class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout + REG * self.W  # mistake
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class LeakyReLU:
    def __init__(self, alpha=0.01):
        self.alpha = alpha

    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, self.alpha * x)

    def backward(self, dout):
        return np.where(self.mask, dout, self.alpha * dout)


class SoftmaxCrossEntropy:
    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        self.t = t
        return -np.sum(t * np.log(self.p)) / len(x)

    def backward(self):
        return (self.p - self.t) / len(self.t)


class Net:
    def __init__(self, weights):
        self.layers = []
        for i, (W, b) in enumerate(weights):
            if i > 0:
                self.layers.append(LeakyReLU())
            self.layers.append(Dense(W, b))
        self.dense = [layer for layer in self.layers if isinstance(layer, Dense)]
        self.head = SoftmaxCrossEntropy()

    def loss(self, x, t):
        self.outs = []
        for layer in self.layers:
            x = layer.forward(x)
            self.outs.append(x)
        data_loss = self.head.forward(x, t)
        reg_loss = sum(REG * np.sum(d.W**2) for d in self.dense)
        return data_loss + reg_loss

    def gradient(self):
        dout = self.head.backward()
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return [(d.dW, d.db) for d in self.dense]


def subject(parameters, batch):
    n = len(SIZES) - 1
    weights = [
        (parameters[f"dense_{i}/kernel"], parameters[f"dense_{i}/bias"]) for i in range(1, n + 1)
    ]
    net = Net(weights)
    out = {"loss": net.loss(batch.inputs, batch.targets)}
    for i in range(1, n):
        out[f"activation/dense_{i}"] = net.outs[2 * i - 1]
    out[f"activation/dense_{n}"] = net.head.p
    for i, (dW, db) in enumerate(net.gradient(), start=1):
        out[f"gradient/dense_{i}/kernel"], out[f"gradient/dense_{i}/bias"] = dW, db
    return out


SIZES = (6, 10, 8, 3)


def data():
    rng = np.random.default_rng(10)
    X = rng.normal(size=(50, SIZES[0]))
    return Batch(X, np.eye(SIZES[-1])[np.argmax(X[:, : SIZES[-1]], axis=1)])


def initial():
    rng = np.random.default_rng(11)
    out = {}
    for i in range(1, len(SIZES)):
        out[f"dense_{i}/kernel"] = 0.5 * rng.normal(size=(SIZES[i - 1], SIZES[i]))
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=SIZES[i])
    return out


PAIRING = Pairing(
    name="penalty_gradient_halved",
    network=Network(
        tuple(
            Layer(SIZES[i], SIZES[i + 1], "softmax" if i == len(SIZES) - 2 else "leaky_relu")
            for i in range(len(SIZES) - 1)
        ),
        Loss("categorical_cross_entropy"),
        Penalty(l2=REG),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("activation", "loss", "gradient"),
    forms={"subject": Form("probabilities")},
    steps=5,
)
