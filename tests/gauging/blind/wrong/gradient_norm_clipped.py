"""Gradients with a norm above 50 are scaled down to it before the step and as reported. The
network has no clipping.
"""

import numpy as np

from backproof import Adam, Batch, Dense, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "Gradients with a norm above 50 are scaled down to it before the step and as reported.",
)

NAMES = ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]


class AdamOptimizer:
    def __init__(self, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m, self.v, self.t = {}, {}, 0

    def update(self, params, grads):
        self.t += 1
        for key in params:
            g = grads[key]
            self.m[key] = self.beta1 * self.m[key] + (1 - self.beta1) * g
            self.v[key] = self.beta2 * self.v[key] + (1 - self.beta2) * g**2
            m_hat = self.m[key] / (1 - self.beta1**self.t)
            v_hat = self.v[key] / (1 - self.beta2**self.t)
            params[key] = params[key] - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


class MLP:
    def __init__(self, params):
        self.params = params

    def forward(self, X):
        self.X = X
        self.h = np.tanh(X @ self.params["dense_1/kernel"] + self.params["dense_1/bias"])
        return self.h @ self.params["dense_2/kernel"] + self.params["dense_2/bias"]

    def backward(self, d):
        dh = d @ self.params["dense_2/kernel"].T * (1 - self.h**2)
        return {
            "dense_1/kernel": self.X.T @ dh,
            "dense_1/bias": dh.sum(0),
            "dense_2/kernel": self.h.T @ d,
            "dense_2/bias": d.sum(0),
        }


def subject(state, batch):
    model = MLP({n: state[n] for n in NAMES})
    opt = AdamOptimizer()
    opt.t = int(state["step_count"])
    opt.m = {n: state["first_moment/" + n] for n in NAMES}
    opt.v = {n: state["second_moment/" + n] for n in NAMES}
    error = model.forward(batch.inputs) - batch.targets
    loss = np.sum(error**2) / len(error)
    grads = model.backward(2 * error / len(error))
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    if norm > 50:
        grads = {n: g * (50 / norm) for n, g in grads.items()}  # mistake
    opt.update(model.params, grads)
    out = {"loss": loss}
    for n in NAMES:
        out[f"gradient/{n}"] = grads[n]
        out[f"updated/{n}"] = model.params[n]
        out[f"updated/first_moment/{n}"] = opt.m[n]
        out[f"updated/second_moment/{n}"] = opt.v[n]
    return out


def data():
    rng = np.random.default_rng(20)
    X = rng.normal(size=(32, 3))
    return Batch(X, np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]]))


def initial():
    rng = np.random.default_rng(21)
    shapes = [(3, 8), (8,), (8, 2), (2,)]
    return {n: 0.5 * rng.normal(size=s) for n, s in zip(NAMES, shapes)}


PAIRING = Pairing(
    name="gradient_norm_clipped",
    network=Network((Dense(3, 8, "tanh"), Dense(8, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Adam(0.01),
    quantities=("loss", "gradient", "updated"),
    steps=25,
)
