"""Momentum whose velocity lives in the layer objects (layer.vW, layer.vb), filled from the state at each call."""

import numpy as np

from backproof import Batch, Dense, Loss, Momentum, Network, Pairing, Penalty


class Layer:
    def __init__(self, W, b, vW, vb, last):
        self.W, self.b, self.vW, self.vb, self.last = W, b, vW, vb, last

    def forward(self, x):
        self.x = x
        z = x @ self.W + self.b
        self.a = z if self.last else np.tanh(z)
        return self.a

    def backward(self, g, lam=0.01):
        dz = g if self.last else g - g * self.a**2
        self.dW, self.db = self.x.T @ dz + lam * self.W, dz.sum(0) + lam * self.b
        return dz @ self.W.T

    def step(self, lr=0.02, mu=0.5):
        self.vW = mu * self.vW + self.dW
        self.vb = mu * self.vb + self.db
        self.W, self.b = self.W - lr * self.vW, self.b - lr * self.vb


def subject(state, batch):
    layers = []
    for i in (1, 2, 3):
        k, b = f"dense_{i}/kernel", f"dense_{i}/bias"
        layers.append(
            Layer(state[k], state[b], state[f"velocity/{k}"], state[f"velocity/{b}"], i == 3)
        )
    out, a = {}, batch.inputs
    for i, layer in enumerate(layers, 1):
        a = out[f"activation/dense_{i}"] = layer.forward(a)
    g = (a - batch.targets) / len(a)
    for layer in layers[::-1]:
        g = layer.backward(g)
    for layer in layers:
        layer.step()
    for i, l in enumerate(layers, 1):
        out |= {f"gradient/dense_{i}/kernel": l.dW, f"gradient/dense_{i}/bias": l.db}
        out |= {f"updated/dense_{i}/kernel": l.W, f"updated/dense_{i}/bias": l.b}
        out |= {
            f"updated/velocity/dense_{i}/kernel": l.vW,
            f"updated/velocity/dense_{i}/bias": l.vb,
        }
    return out


def data():
    rng = np.random.default_rng(811)
    return Batch(rng.normal(size=(30, 3)), rng.normal(size=(30, 2)))


def initial():
    rng, p = np.random.default_rng(812), {}
    for i, s in enumerate(((3, 6), (6, 5), (5, 2)), 1):
        p |= {
            f"dense_{i}/kernel": rng.normal(size=s) / 2,
            f"dense_{i}/bias": rng.normal(size=s[1]) / 2,
        }
    return p


PAIRING = Pairing(
    name="optimizer_global_state",
    network=Network(
        (Dense(3, 6, "tanh"), Dense(6, 5, "tanh"), Dense(5, 2)),
        Loss("squared_error", scale=0.5),
        Penalty(l2=0.005, biases=True),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Momentum(0.02, 0.5),
    partial=True,
)
