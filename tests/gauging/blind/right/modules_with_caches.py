"""A Keras-like list of modules (Linear, ReLU, Linear, BCE with logits) whose backward uses what forward cached; batch-last inside."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty


class Linear:
    def __init__(self, W, b, decay):
        self.W, self.b, self.decay = W, b, decay

    def forward(self, x):
        self.cache = x
        return self.W @ x + self.b[:, None]

    def backward(self, g):
        self.dW = g @ self.cache.T + self.decay * self.W
        self.db = g @ np.ones(g.shape[1])
        return self.W.T @ g


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, g):
        return g * self.mask


class BCEWithLogits:
    def forward(self, z, y):
        self.z, self.y = z, y
        return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))

    def backward(self):
        e = np.exp(-np.abs(self.z))
        s = np.where(self.z >= 0, 1, e) / (1 + e)
        return (s - self.y) / self.y.size


def subject(p, batch, lam=0.04):
    names = ["dense_1", "dense_2", "dense_3"]
    linears = [Linear(p[n + "/kernel"].T, p[n + "/bias"], lam) for n in names]
    net = [linears[0], ReLU(), linears[1], ReLU(), linears[2]]
    x = batch.inputs.T
    for module in net:
        x = module.forward(x)
    criterion = BCEWithLogits()
    loss = criterion.forward(x, batch.targets.T)
    loss += lam / 2 * sum((l.W**2).sum() for l in linears)
    g = criterion.backward()
    for module in reversed(net):
        g = module.backward(g)
    out = {"loss": loss, "accuracy": np.mean((x > 0) == (batch.targets.T > 0.5))}
    for n, l in zip(names, linears):
        out |= {f"gradient/{n}/kernel": l.dW.T, f"gradient/{n}/bias": l.db}
    return out


def data():
    rng = np.random.default_rng(1141)
    x = rng.normal(size=(64, 2))
    return Batch(x, (np.abs(x).sum(1) > 1.5).astype(float)[:, None])


def initial():
    rng, p = np.random.default_rng(1142), {}
    for i, s in enumerate(((2, 10), (10, 6), (6, 1)), 1):
        p[f"dense_{i}/kernel"], p[f"dense_{i}/bias"] = (
            rng.normal(size=s) * np.sqrt(2 / s[0]),
            np.zeros(s[1]),
        )
    return p


PAIRING = Pairing(
    name="modules_with_caches",
    network=Network(
        (Dense(2, 10, "relu"), Dense(10, 6, "relu"), Dense(6, 1, "sigmoid")),
        Loss("binary_cross_entropy"),
        Penalty(l2=0.02),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
