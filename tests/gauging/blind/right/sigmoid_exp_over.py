"""The sigmoid as e^z / (1 + e^z), which is NaN for large z: declared by `unsaturated`, as it overflows."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


class Net:
    def __init__(self, w1, w2):
        self.w1, self.w2 = w1, w2

    @staticmethod
    def f(z):
        e = np.exp(z)
        return e / (1 + e)

    def forward(self, x):
        self.x = x
        self.h = self.f(x.dot(self.w1))
        self.o = self.f(self.h.dot(self.w2))
        return self.o

    def backward(self, t):
        d2 = (self.o - t) * self.o * (1 - self.o)
        d1 = d2.dot(self.w2.T) * self.h * (1 - self.h)
        return self.x.T.dot(d1), self.h.T.dot(d2)


def subject(p, batch):
    net = Net(p["dense_1/kernel"], p["dense_2/kernel"])
    o = net.forward(batch.inputs)
    g1, g2 = net.backward(batch.targets)
    return {
        "activation/dense_1": net.h,
        "activation/dense_2": o,
        "loss": 0.5 * ((o - batch.targets) ** 2).sum(),
        "gradient/dense_1/kernel": g1,
        "gradient/dense_2/kernel": g2,
        "updated/dense_1/kernel": net.w1 - 0.1 * g1,
        "updated/dense_2/kernel": net.w2 - 0.1 * g2,
    }


def data():
    rng = np.random.default_rng(11)
    x = rng.uniform(-1, 1, (24, 3))
    return Batch(x, (x.sum(1, keepdims=True) > 0) * 1.0)


def initial():
    rng = np.random.default_rng(12)
    return {
        "dense_1/kernel": rng.uniform(-1, 1, (3, 5)),
        "dense_2/kernel": rng.uniform(-1, 1, (5, 1)),
    }


PAIRING = Pairing(
    name="sigmoid_exp_over",
    network=Network(
        (Dense(3, 5, "sigmoid", bias=False), Dense(5, 1, "sigmoid", bias=False)),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=adapters.unsaturated(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
