"""A little reverse-mode automatic differentiation over arrays."""

import numpy as np

NETWORK = {
    "sizes": [5, 6, 6, 4],
    "activations": ["relu", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.01,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = "right"


def fit(g, shape):
    """Undo broadcasting."""
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and g.shape[axis] != 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


class Var:
    def __init__(self, value, parents=()):
        self.value = np.asarray(value, dtype=float)
        self.parents = parents
        self.grad = np.zeros_like(self.value)

    def __add__(self, o):
        o = o if isinstance(o, Var) else Var(o)
        return Var(
            self.value + o.value,
            [(self, lambda g: fit(g, self.value.shape)), (o, lambda g: fit(g, o.value.shape))],
        )

    def __sub__(self, o):
        return self + o * -1.0

    def __mul__(self, o):
        o = o if isinstance(o, Var) else Var(o)
        return Var(
            self.value * o.value,
            [
                (self, lambda g: fit(g * o.value, self.value.shape)),
                (o, lambda g: fit(g * self.value, o.value.shape)),
            ],
        )

    def __matmul__(self, o):
        return Var(
            self.value @ o.value, [(self, lambda g: g @ o.value.T), (o, lambda g: self.value.T @ g)]
        )

    def relu(self):
        return Var(np.maximum(self.value, 0), [(self, lambda g: g * (self.value > 0))])

    def tanh(self):
        t = np.tanh(self.value)
        return Var(t, [(self, lambda g: g * (1 - t * t))])

    def exp(self):
        e = np.exp(self.value)
        return Var(e, [(self, lambda g: g * e)])

    def log(self):
        return Var(np.log(self.value), [(self, lambda g: g / self.value)])

    def sum(self, axis=None, keepdims=False):
        def back(g):
            if axis is not None and not keepdims:
                g = np.expand_dims(g, axis)
            return np.broadcast_to(g, self.value.shape)

        return Var(self.value.sum(axis=axis, keepdims=keepdims), [(self, back)])

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen:
                seen.add(id(v))
                for parent, _ in v.parents:
                    visit(parent)
                order.append(v)

        visit(self)
        self.grad = np.ones_like(self.value)
        for v in reversed(order):
            for parent, vjp in v.parents:
                parent.grad = parent.grad + vjp(v.grad)


def loss_and_gradients(parameters, x, y):
    P = {k: Var(v) for k, v in parameters.items()}
    h = (Var(x) @ P["dense_1.kernel"] + P["dense_1.bias"]).relu()
    h = (h @ P["dense_2.kernel"] + P["dense_2.bias"]).tanh()
    z = h @ P["dense_3.kernel"] + P["dense_3.bias"]
    z = z - Var(z.value.max(axis=1, keepdims=True))  # a constant: the shift cancels
    loss = (z.exp().sum(axis=1).log() - (z * Var(y)).sum(axis=1)).sum() * (1.0 / len(x))
    for k, w in P.items():
        if k.endswith("kernel"):
            loss = loss + (w * w).sum() * (NETWORK["l2"] / 2)
    loss.backward()
    return float(loss.value), {k: v.grad for k, v in P.items()}
