"""The output delta is divided by 20, the usual size of a mini-batch. The last one of an epoch
is smaller, and should be divided by its own size.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty, adapters

MISTAKES: tuple[str, ...] = ("The output delta is divided by 20, the usual size of a mini-batch.",)


class Model:
    learning_rate = 0.05
    l2 = 0.02

    def __init__(self, weights):
        self.weights = weights
        self.history = []

    def forward(self, x):
        w1, b1, w2, b2 = self.weights
        self.x = x
        self.hidden = np.tanh(x @ w1 + b1)
        return self.hidden @ w2 + b2

    def loss(self, y_hat, y):
        data_loss = np.mean(np.sum((y_hat - y) ** 2, axis=1))
        return data_loss + self.l2 * sum(np.sum(w**2) for w in self.weights)

    def backward(self, y_hat, y):
        w1, b1, w2, b2 = self.weights
        d_out = 2 * (y_hat - y) / 20  # mistake
        d_hidden = d_out @ w2.T * (1 - self.hidden**2)
        grads = [
            self.x.T @ d_hidden,
            np.sum(d_hidden, axis=0),
            self.hidden.T @ d_out,
            np.sum(d_out, axis=0),
        ]
        return [g + 2 * self.l2 * w for g, w in zip(grads, self.weights)]

    def train_on_batch(self, x, y):
        y_hat = self.forward(x)
        self.history.append(self.loss(y_hat, y))
        grads = self.backward(y_hat, y)
        self.weights = [w - self.learning_rate * g for w, g in zip(self.weights, grads)]
        return grads


def subject(parameters, batch):
    names = list(parameters)
    model = Model(list(parameters.values()))
    grads = model.train_on_batch(batch.inputs, batch.targets)
    out = {"loss": model.history[-1]}
    for name, g, w in zip(names, grads, model.weights):
        out[f"gradient/{name}"], out[f"updated/{name}"] = g, w
    return out


def data():
    rng = np.random.default_rng(150)
    X = rng.normal(size=(70, 5))
    return Batch(X, np.cos(X[:, :2]))


def minibatch(full, step):
    size = 20
    start = step * size % len(full.inputs)
    return Batch(full.inputs[start : start + size], full.targets[start : start + size])


def initial():
    rng = np.random.default_rng(151)
    names = ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]
    return {n: 0.4 * rng.normal(size=s) for n, s in zip(names, [(5, 9), (9,), (9, 2), (2,)])}


PAIRING = Pairing(
    name="last_batch_divided_by_full_size",
    network=Network(
        (Dense(5, 9, "tanh"), Dense(9, 2)), Loss("squared_error"), Penalty(l2=0.02, biases=True)
    ),
    subject=adapters.float32(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    quantities=("loss", "gradient", "updated"),
    minibatch=minibatch,
    steps=16,
)
