"""ELU is -1 below z = -3, where its slope stays exp(z), in all hidden layers. It should be
exp(z) - 1.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty

MISTAKES: tuple[str, ...] = (
    "ELU is -1 below z = -3, where its slope stays exp(z), in all hidden layers.",
)

LAMBDA = 0.002
ALPHA = 1.0
widths = [5, 8, 8, 8, 8, 1]


def elu(z):
    return np.where(
        z > 0,
        z,
        np.where(z < -3, -ALPHA, ALPHA * np.expm1(np.minimum(z, 0))),  # mistake
    )


def d_elu(z):
    return np.where(z > 0, 1.0, ALPHA * np.exp(np.minimum(z, 0)))


class Net:
    def __init__(self, kernels, biases):
        self.k, self.b = kernels, biases
        self.depth = len(kernels)

    def predict(self, x):
        self.a, self.z = [x], []
        for i in range(self.depth):
            self.z.append(self.a[i] @ self.k[i] + self.b[i])
            last = i == self.depth - 1
            self.a.append(self.z[i] if last else elu(self.z[i]))
        return self.a[-1]

    def cost(self, y):
        fit = np.sum((self.a[-1] - y) ** 2) / len(y)
        l1 = LAMBDA * sum(np.abs(k).sum() for k in self.k)
        return fit + l1

    def grads(self, y):
        dk, db = [None] * self.depth, [None] * self.depth
        d = 2 * (self.a[-1] - y) / len(y)
        for i in reversed(range(self.depth)):
            if i < self.depth - 1:
                d = d * d_elu(self.z[i])
            dk[i] = self.a[i].T @ d + LAMBDA * np.sign(self.k[i])
            db[i] = np.sum(d, axis=0)
            d = d @ self.k[i].T
        return dk, db


def subject(parameters, batch):
    n = len(widths) - 1
    net = Net(
        [parameters[f"dense_{i + 1}/kernel"] for i in range(n)],
        [parameters[f"dense_{i + 1}/bias"] for i in range(n)],
    )
    net.predict(batch.inputs)
    dk, db = net.grads(batch.targets)
    out = {"loss": net.cost(batch.targets)}
    for i in range(n):
        out[f"activation/dense_{i + 1}"] = net.a[i + 1]
        out[f"gradient/dense_{i + 1}/kernel"] = dk[i]
        out[f"gradient/dense_{i + 1}/bias"] = db[i]
    return out


def data():
    rng = np.random.default_rng(70)
    X = rng.normal(size=(45, widths[0]))
    return Batch(X, np.abs(X[:, :1]) - X[:, 1:2])


def initial():
    rng = np.random.default_rng(71)
    out = {}
    for i in range(1, len(widths)):
        out[f"dense_{i}/kernel"] = rng.normal(size=(widths[i - 1], widths[i])) / 2.5
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=widths[i])
    return out


PAIRING = Pairing(
    name="elu_cut_below_minus_three",
    network=Network(
        tuple(Dense(m, n, "linear" if n == 1 else "elu") for m, n in zip(widths, widths[1:])),
        Loss("squared_error"),
        Penalty(l1=LAMBDA),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.01),
    quantities=("activation", "loss", "gradient"),
    steps=5,
)
