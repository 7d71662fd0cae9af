"""Two residual blocks x + f(x), the gradient of the skip added as `dx += …` in the manner of a ResNet from scratch."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Residual


class Block:
    def __init__(self, w1, b1, w2, b2):
        self.w1, self.b1, self.w2, self.b2 = w1, b1, w2, b2

    def __call__(self, x):
        self.x = x
        self.h = np.tanh(x @ self.w1 + self.b1)
        return x + (self.h @ self.w2 + self.b2)

    def backward(self, dy):
        self.grads = [None, None, self.h.T @ dy, dy.sum(0)]
        dh = dy @ self.w2.T * (1 - self.h**2)
        self.grads[0], self.grads[1] = self.x.T @ dh, dh.sum(0)
        dx = dy.copy()
        dx += dh @ self.w1.T
        return dx


def subject(p, batch):
    blocks = []
    for i in (1, 3):
        args = [p[f"dense_{j}/{kind}"] for j in (i, i + 1) for kind in ("kernel", "bias")]
        blocks.append(Block(*args))
    x1 = blocks[0](batch.inputs)
    x2 = blocks[1](x1)
    e = x2 @ p["dense_5/kernel"] + p["dense_5/bias"] - batch.targets
    out = {"activation/add_1": x1, "activation/add_2": x2, "loss": 0.5 * np.sum(e * e) / len(e)}
    e = e / len(e)
    out["gradient/dense_5/kernel"], out["gradient/dense_5/bias"] = x2.T @ e, e.sum(0)
    dx = e @ p["dense_5/kernel"].T
    for i, block in ((3, blocks[1]), (1, blocks[0])):
        dx = block.backward(dx)
        names = [f"gradient/dense_{j}/{kind}" for j in (i, i + 1) for kind in ("kernel", "bias")]
        out |= dict(zip(names, block.grads))
    return out


def data():
    rng = np.random.default_rng(1101)
    return Batch(rng.normal(size=(24, 4)), rng.normal(size=(24, 2)))


def initial():
    rng, p = np.random.default_rng(1102), {}
    for i, s in enumerate(((4, 6), (6, 4), (4, 5), (5, 4), (4, 2)), 1):
        p[f"dense_{i}/kernel"], p[f"dense_{i}/bias"] = (
            rng.normal(size=s) / 2,
            rng.normal(size=s[1]) / 4,
        )
    return p


PAIRING = Pairing(
    name="graph_residual",
    network=Network(
        (
            Residual(Dense(4, 6, "tanh"), Dense(6, 4)),
            Residual(Dense(4, 5, "tanh"), Dense(5, 4)),
            Dense(4, 2),
        ),
        Loss("squared_error", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
