"""Adam with the bias corrections folded into the rate, α√(1 − β₂ᵗ)/(1 − β₁ᵗ), ε beside √v uncorrected: "raw"."""

import numpy as np

from backproof import Adam, Batch, Dense, Loss, Network, Pairing


class AdamOptimizer:
    def __init__(self, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-7):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.iter, self.m, self.v = 0, None, None

    def update(self, params, grads):
        if self.m is None:
            self.m = {k: np.zeros_like(v) for k, v in params.items()}
            self.v = {k: np.zeros_like(v) for k, v in params.items()}
        self.iter += 1
        lr_t = self.lr * np.sqrt(1.0 - self.beta2**self.iter) / (1.0 - self.beta1**self.iter)
        for key in params:
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key] ** 2 - self.v[key])
            params[key] -= lr_t * self.m[key] / (np.sqrt(self.v[key]) + self.eps)


def subject(state, batch):
    params = {k: state[k].copy() for k in initial()}
    x, y = batch.inputs, batch.targets
    h = np.maximum(x @ params["dense_1/kernel"] + params["dense_1/bias"], 0)
    e = (h @ params["dense_2/kernel"] + params["dense_2/bias"] - y) * 2 / len(x)
    d = (e @ params["dense_2/kernel"].T) * (h > 0)
    grads = dict(zip(params, (x.T @ d, d.sum(0), h.T @ e, e.sum(0))))
    opt = AdamOptimizer()
    opt.iter = int(state["step_count"])
    opt.m = {k: state[f"first_moment/{k}"].copy() for k in params}
    opt.v = {k: state[f"second_moment/{k}"].copy() for k in params}
    opt.update(params, grads)
    out = {f"gradient/{k}": g for k, g in grads.items()}
    for k in params:
        out[f"updated/{k}"] = params[k]
        out[f"updated/first_moment/{k}"] = opt.m[k]
        out[f"updated/second_moment/{k}"] = opt.v[k]
    return out


def data():
    rng = np.random.default_rng(751)
    return Batch(rng.normal(size=(32, 4)), rng.normal(size=(32, 2)))


def initial():
    rng = np.random.default_rng(752)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": np.zeros(6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": np.zeros(2),
    }


PAIRING = Pairing(
    name="adam_folded_rate",
    network=Network((Dense(4, 6, "relu"), Dense(6, 2)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Adam(0.01, epsilon=1e-7, epsilon_at="raw"),
    partial=True,
)
