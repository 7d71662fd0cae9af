"""tanh is computed of exp(2 x), which overflows to nan for large x. It should be 1 there."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = ("tanh is computed of exp(2 x), which overflows to nan for large x.",)


class Tensor:
    def __init__(self, data, parents=()):
        self.data, self.grad = np.asarray(data), None
        self.parents, self.back = parents, lambda g: ()

    def __add__(self, other):
        out = Tensor(self.data + other.data, (self, other))
        out.back = lambda g: (unbroadcast(g, self.data.shape), unbroadcast(g, other.data.shape))
        return out

    def __sub__(self, other):
        out = Tensor(self.data - other.data, (self, other))
        out.back = lambda g: (g, -g)
        return out

    def __matmul__(self, other):
        out = Tensor(self.data @ other.data, (self, other))
        out.back = lambda g: (g @ other.data.T, self.data.T @ g)
        return out

    def tanh(self):
        e = np.exp(2 * self.data)
        t = (e - 1) / (e + 1)  # mistake
        out = Tensor(t, (self,))
        out.back = lambda g: (g * (1 - t**2),)
        return out

    def relu(self):
        out = Tensor(np.where(self.data > 0, self.data, 0), (self,))
        out.back = lambda g: (g * (self.data > 0),)
        return out

    def square(self):
        out = Tensor(self.data**2, (self,))
        out.back = lambda g: (2 * self.data * g,)
        return out

    def mean(self):
        out = Tensor(self.data.mean(), (self,))
        out.back = lambda g: (g * np.ones(self.data.shape) / self.data.size,)
        return out

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if id(node) not in seen:
                seen.add(id(node))
                for p in node.parents:
                    visit(p)
                order.append(node)

        visit(self)
        self.grad = np.ones_like(self.data)
        for node in reversed(order):
            for p, g in zip(node.parents, node.back(node.grad)):
                p.grad = g if p.grad is None else p.grad + g


def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    return g


def subject(parameters, batch):
    t = {name: Tensor(value) for name, value in parameters.items()}
    h1 = (Tensor(batch.inputs) @ t["dense_1/kernel"] + t["dense_1/bias"]).tanh()
    h2 = (h1 @ t["dense_2/kernel"] + t["dense_2/bias"]).relu()
    y = h2 @ t["dense_3/kernel"] + t["dense_3/bias"]
    loss = (y - Tensor(batch.targets)).square().mean()
    loss.backward()
    out = {f"gradient/{name}": each.grad for name, each in t.items()}
    acts = {
        "activation/dense_1": h1.data,
        "activation/dense_2": h2.data,
        "activation/dense_3": y.data,
    }
    return out | acts | {"loss": loss.data}


def data():
    rng = np.random.default_rng(100)
    X = rng.normal(size=(24, 4))
    return Batch(X, X[:, :3] * X[:, 1:])


def initial():
    rng = np.random.default_rng(101)
    shapes = [(4, 7), (7,), (7, 5), (5,), (5, 3), (3,)]
    names = [f"dense_{i}/{p}" for i in (1, 2, 3) for p in ("kernel", "bias")]
    return {n: 0.5 * rng.normal(size=s) for n, s in zip(names, shapes)}


PAIRING = Pairing(
    name="tanh_overflows",
    network=Network(
        (Dense(4, 7, "tanh"), Dense(7, 5, "relu"), Dense(5, 3)),
        Loss("squared_error", outputs="mean"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("activation", "loss", "gradient"),
    steps=5,
)
