"""A tape of array operations with unbroadcasting, log and exp; sigmoid cross-entropy is built of primitives on it."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing


class T:
    def __init__(self, v, parents=()):
        self.v, self.parents, self.g = np.asarray(v, float), parents, 0.0

    @staticmethod
    def fit(g, shape):
        while g.ndim > len(shape):
            g = g.sum(0)
        return g

    def __matmul__(a, b):
        return T(a.v @ b.v, ((a, lambda g: g @ b.v.T), (b, lambda g: a.v.T @ g)))

    def __add__(a, b):
        return T(
            a.v + b.v, ((a, lambda g: T.fit(g, a.v.shape)), (b, lambda g: T.fit(g, b.v.shape)))
        )

    def __mul__(a, b):
        return T(a.v * b.v, ((a, lambda g: g * b.v), (b, lambda g: g * a.v)))

    def rsub(a, c):
        return T(c - a.v, ((a, lambda g: -g),))

    def sigmoid(a):
        with np.errstate(over="ignore"):
            s = 1 / (1 + np.exp(-a.v))
        return T(s, ((a, lambda g: g * s * (1 - s)),))

    def log(a):
        return T(np.log(a.v), ((a, lambda g: g / a.v),))

    def total(a, scale):
        return T(scale * a.v.sum(), ((a, lambda g: g * scale * np.ones_like(a.v)),))

    def backward(self):
        order, seen = [], set()

        def visit(t):
            if id(t) not in seen:
                seen.add(id(t))
                for parent, _ in t.parents:
                    visit(parent)
                order.append(t)

        visit(self)
        self.g = np.ones_like(self.v)
        for t in order[::-1]:
            for parent, rule in t.parents:
                parent.g = parent.g + rule(t.g)


def subject(p, batch):
    w = {k: T(v) for k, v in p.items()}
    y = T(batch.targets)
    h = (T(batch.inputs) @ w["dense_1/kernel"] + w["dense_1/bias"]).sigmoid()
    q = (h @ w["dense_2/kernel"] + w["dense_2/bias"]).sigmoid()
    loss = (y * q.log() + y.rsub(1) * q.rsub(1).log()).total(-1 / len(batch.inputs))
    loss.backward()
    out = {"loss": loss.v, "activation/dense_1": h.v, "activation/dense_2": q.v}
    return out | {f"gradient/{k}": t.g for k, t in w.items()}


def data():
    rng = np.random.default_rng(911)
    return Batch(rng.normal(size=(30, 3)), rng.integers(0, 2, (30, 2)).astype(float))


def initial():
    rng = np.random.default_rng(912)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="autodiff_tensor_tape",
    network=Network((Dense(3, 5, "sigmoid"), Dense(5, 2, "sigmoid")), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    forms={"subject": Form("probabilities")},
    partial=True,
)
