"""A scalar tape in the manner of micrograd; every number of the pass is a Value with a closure for its backward."""

import math

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


class Value:
    def __init__(self, data, children=()):
        self.data, self.grad, self._prev, self._backward = float(data), 0.0, children, lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    __radd__, __rmul__ = __add__, __mul__

    def tanh(self):
        out = Value(math.tanh(self.data), (self,))

        def _backward():
            self.grad += (1 - out.data**2) * out.grad

        out._backward = _backward
        return out

    def backward(self):
        topo, visited, stack = [], set(), [(self, False)]
        while stack:
            v, done = stack.pop()
            if done:
                topo.append(v)
            elif id(v) not in visited:
                visited.add(id(v))
                stack += [(v, True)] + [(c, False) for c in v._prev]
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()


def subject(p, batch):
    params = {k: np.vectorize(Value, otypes=[object])(v) for k, v in p.items()}
    w1, b1, w2, b2 = params.values()
    total = Value(0)
    for x, y in zip(batch.inputs, batch.targets):
        h = [(sum(xi * w1[i, j] for i, xi in enumerate(x)) + b1[j]).tanh() for j in range(len(b1))]
        for k in range(len(b2)):
            e = sum(hj * w2[j, k] for j, hj in enumerate(h)) + b2[k] + -y[k]
            total = total + e * e
    loss = total * (1 / len(batch.inputs))
    loss.backward()
    grad = np.vectorize(lambda v: v.grad)
    return {"loss": loss.data, **{f"gradient/{k}": grad(v) for k, v in params.items()}}


def data():
    rng = np.random.default_rng(901)
    return Batch(rng.normal(size=(10, 2)), rng.normal(size=(10, 1)))


def initial():
    rng = np.random.default_rng(902)
    return {
        "dense_1/kernel": rng.normal(size=(2, 3)),
        "dense_1/bias": rng.normal(size=3),
        "dense_2/kernel": rng.normal(size=(3, 1)),
        "dense_2/bias": rng.normal(size=1),
    }


PAIRING = Pairing(
    name="autodiff_micrograd",
    network=Network((Dense(2, 3, "tanh"), Dense(3, 1)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
