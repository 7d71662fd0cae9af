"""(1) The velocity averages the gradient with weight 1 - mu. In this optimizer the gradient
should enter in full. (2) The loss has (1 - y) * (1 - log p), a misplaced parenthesis. It
should have (1 - y) * log(1 - p).
"""

import numpy as np

from backproof import Batch, Dense, Form, Loss, Momentum, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "The velocity averages the gradient with weight 1 - mu.",
    "The loss has (1 - y) * (1 - log p), a misplaced parenthesis.",
)

LR, MU = 0.1, 0.9
PARAMS = ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]


def sigm(x):
    return 1.0 / (1.0 + np.exp(-x))


class SGDMomentum:
    def __init__(self, lr, mu, velocities):
        self.lr, self.mu = lr, mu
        self.v = velocities

    def step(self, params, grads):
        new = []
        for i, (p, g) in enumerate(zip(params, grads)):
            self.v[i] = self.mu * self.v[i] + (1 - self.mu) * g  # mistake
            new.append(p - self.lr * self.v[i])
        return new


def fit_step(params, X, y, opt):
    W1, b1, W2, b2 = params
    h = np.tanh(X @ W1 + b1)
    p = sigm(h @ W2 + b2)
    loss = -np.mean(y * np.log(p) + (1 - y) * (1 - np.log(p)))  # mistake
    dz = (p - y) / y.size
    dW2, db2 = h.T @ dz, dz.sum(0)
    dh = dz @ W2.T * (1 - h * h)
    dW1, db1 = X.T @ dh, dh.sum(0)
    grads = [dW1, db1, dW2, db2]
    return loss, h, p, grads, opt.step(params, grads)


def subject(state, batch):
    params = [state[n] for n in PARAMS]
    opt = SGDMomentum(LR, MU, [state["velocity/" + n] for n in PARAMS])
    loss, h, p, grads, new = fit_step(params, batch.inputs, batch.targets, opt)
    out = {"loss": loss, "activation/dense_1": h, "activation/dense_2": p}
    for i, n in enumerate(PARAMS):
        out[f"gradient/{n}"] = grads[i]
        out[f"updated/{n}"] = new[i]
        out[f"updated/velocity/{n}"] = opt.v[i]
    return out


def data():
    rng = np.random.default_rng(40)
    X = rng.normal(size=(36, 4))
    return Batch(X, (X[:, :3] > X[:, 1:]).astype(float))


def initial():
    rng = np.random.default_rng(41)
    return dict(zip(PARAMS, [rng.normal(size=s) * 0.7 for s in [(4, 6), (6,), (6, 3), (3,)]]))


PAIRING = Pairing(
    name="momentum_and_loss_parenthesis",
    network=Network(
        (Dense(4, 6, "tanh"), Dense(6, 3, "sigmoid")),
        Loss("binary_cross_entropy", outputs="mean"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Momentum(LR, MU),
    quantities=("activation", "loss", "gradient", "updated"),
    forms={"subject": Form("probabilities")},
    steps=20,
)
