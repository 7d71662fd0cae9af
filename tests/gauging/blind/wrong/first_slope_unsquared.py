"""The first hidden layer's slope is 1 - a, not squared, and the second's is right. It should
be 1 - a * a.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "The first hidden layer's slope is 1 - a, not squared, and the second's is right.",
)


class Regressor:
    def __init__(self, params):
        self.p = params

    def fit_predict(self, X, y, sample_weight):
        p, n = self.p, len(X)
        a = np.tanh(X @ p["dense_1/kernel"] + p["dense_1/bias"])
        b = np.tanh(a @ p["dense_2/kernel"] + p["dense_2/bias"])
        out = b @ p["dense_3/kernel"] + p["dense_3/bias"]
        w = np.ones((n, 1)) if sample_weight is None else sample_weight[:, None]
        self.loss = np.sum(w * (out - y) ** 2) / n
        d3 = 2 * w * (out - y) / n
        d2 = d3 @ p["dense_3/kernel"].T * (1 - b * b)
        d1 = d2 @ p["dense_2/kernel"].T * (1 - a)  # mistake
        self.grads = {}
        for name, h, d in (("dense_1", X, d1), ("dense_2", a, d2), ("dense_3", b, d3)):
            self.grads[name + "/kernel"] = h.T @ d
            self.grads[name + "/bias"] = np.ones(n) @ d
        return out


def subject(parameters, batch):
    model = Regressor(parameters)
    out = model.fit_predict(batch.inputs, batch.targets, batch.weights)
    grads = {f"gradient/{name}": g for name, g in model.grads.items()}
    return grads | {"loss": model.loss, "activation/dense_3": out}


def data():
    rng = np.random.default_rng(190)
    X = rng.normal(size=(29, 6))
    return Batch(X, X[:, :2] ** 2, rng.uniform(0.2, 3, size=29))


def initial():
    rng = np.random.default_rng(191)
    out = {}
    for i, s in enumerate([(6, 8), (8, 4), (4, 2)], start=1):
        out[f"dense_{i}/kernel"] = 0.4 * rng.normal(size=s)
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=s[1])
    return out


PAIRING = Pairing(
    name="first_slope_unsquared",
    network=Network((Dense(6, 8, "tanh"), Dense(8, 4, "tanh"), Dense(4, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    quantities=("activation", "loss", "gradient"),
    steps=5,
    partial=True,
)
