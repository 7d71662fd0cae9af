"""The hidden activations are clipped to [-1 + 1e-9, 1 - 1e-9], for an arctanh that is not there any
more.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = ("The hidden activations are clipped 1e-9 before their limits.",)


class Tanh:
    def forward(self, z):
        self.a = a = np.clip(np.tanh(z), -1 + 1e-9, 1 - 1e-9)  # mistake
        return a

    def backward(self, grad):
        a = self.a
        return grad * (1 - a * a)


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


class Regressor:
    def __init__(self, p):
        self.affine = [Affine(p[f"dense_{i}/kernel"], p[f"dense_{i}/bias"]) for i in (1, 2, 3)]
        self.tanh = [Tanh(), Tanh()]

    def fit(self, X, y):
        self.seen = []
        for affine, tanh in zip(self.affine, self.tanh):
            X = tanh.forward(affine.forward(X))
            self.seen.append(X)
        z3 = self.affine[2].forward(X)
        out = z3
        self.seen.append(out)
        error = out - y
        self.loss = np.sum(error**2) / len(error)
        grad = 2 * error / len(error)
        for affine, tanh in zip(self.affine[:0:-1], self.tanh[::-1]):
            grad = tanh.backward(affine.backward(grad))
        self.affine[0].backward(grad)
        grads = {}
        for i, affine in enumerate(self.affine, start=1):
            grads[f"dense_{i}/kernel"], grads[f"dense_{i}/bias"] = affine.dW, affine.db
        return grads


def subject(state, batch):
    net = Regressor(state)
    grads = net.fit(batch.inputs, batch.targets)
    out = {"loss": net.loss}
    for i, a in enumerate(net.seen, start=1):
        out[f"activation/dense_{i}"] = a
    for k, g in grads.items():
        out["gradient/" + k] = g
        out["updated/" + k] = state[k] - 0.05 * g
    return out


SHAPES = {
    "dense_1/kernel": (4, 7),
    "dense_1/bias": (7,),
    "dense_2/kernel": (7, 6),
    "dense_2/bias": (6,),
    "dense_3/kernel": (6, 2),
    "dense_3/bias": (2,),
}


def data():
    X = np.random.default_rng(742).normal(size=(33, 4))
    return Batch(X, np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]]))


def initial():
    rng = np.random.default_rng(743)
    return {k: 0.4 * rng.normal(size=s) for k, s in SHAPES.items()}


PAIRING = Pairing(
    name="outputs_clipped_near_limits",
    network=Network(
        (Dense(4, 7, "tanh"), Dense(7, 6, "tanh"), Dense(6, 2, "linear")),
        Loss("squared_error"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    quantities=("activation", "loss", "gradient", "updated"),
    steps=15,
)
