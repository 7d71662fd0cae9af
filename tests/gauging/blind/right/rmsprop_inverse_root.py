"""RMSprop with ε inside of the root, scaled as g·(c + ε)**−½, the mean square by c += (1−ρ)(g² − c)."""

import numpy as np

from backproof import Batch, Dense, Loss, Network, Pairing, RMSprop


class RMSPropOptimizer:
    def __init__(self, learning_rate=0.01, decay=0.95, eps=1e-6):
        self.learning_rate, self.decay, self.eps = learning_rate, decay, eps
        self.cache = {}

    def deltas(self, grads):
        for k, g in grads.items():
            c = self.cache.setdefault(k, np.zeros_like(g))
            self.cache[k] = c + (1 - self.decay) * (g**2 - c)
        return {
            k: -self.learning_rate * g * (self.cache[k] + self.eps) ** -0.5
            for k, g in grads.items()
        }


def subject(state, batch):
    X, Y = batch.inputs, batch.targets
    names = list(initial())
    w1, b1, w2, b2 = (state[k] for k in names)
    z = X @ w1 + b1
    h = z * (z > 0)
    d = 2 * (h @ w2 + b2 - Y) / Y.size
    dh = np.where(z > 0, d @ w2.T, 0)
    grads = dict(zip(names, [X.T @ dh, dh.sum(axis=0), h.T @ d, d.sum(axis=0)]))
    opt = RMSPropOptimizer()
    opt.cache = {k: state[f"mean_square/{k}"] for k in names}
    steps = opt.deltas(grads)
    return {
        **{f"gradient/{k}": g for k, g in grads.items()},
        **{f"updated/{k}": state[k] + steps[k] for k in names},
        **{f"updated/mean_square/{k}": opt.cache[k] for k in names},
    }


def data():
    rng = np.random.default_rng(801)
    return Batch(rng.normal(size=(40, 4)), rng.normal(size=(40, 2)))


def initial():
    rng = np.random.default_rng(802)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="rmsprop_inverse_root",
    network=Network((Dense(4, 6, "relu"), Dense(6, 2)), Loss("squared_error", outputs="mean")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=RMSprop(0.01, rho=0.95, epsilon=1e-6, inside=True),
    partial=True,
)
