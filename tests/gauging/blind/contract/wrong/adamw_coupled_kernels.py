import numpy as np

NETWORK = {
    "sizes": [6, 8, 2],
    "activations": ["leaky_relu", "linear"],
    "leaky_slope": 0.2,
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {
        "name": "adamw",
        "learning_rate": 0.01,
        "beta_1": 0.9,
        "beta_2": 0.99,
        "epsilon": 1e-7,
        "weight_decay": 0.05,
        "note": "decoupled: w -= lr * weight_decay * w_before, kernels only",
    },
}
TRUTH = (
    "wrong: step adds weight_decay * w to the gradient of the kernels before the moments (L2-Adam); AdamW is decoupled: the moments "
    "see the plain gradient and lr * weight_decay * w is subtracted from the kernel separately."
)


class Adam:
    def __init__(self, learning_rate, beta_1, beta_2, epsilon, weight_decay, **_):
        self.lr, self.b1, self.b2, self.eps, self.wd = (
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            weight_decay,
        )

    def update(self, name, w, g, m, v, t):
        decay = self.wd if name.endswith("kernel") else 0.0
        if decay:
            g = g + decay * w
        m = self.b1 * m + (1 - self.b1) * g
        v = self.b2 * v + (1 - self.b2) * np.square(g)
        upd = (m / (1 - self.b1**t)) / (np.sqrt(v / (1 - self.b2**t)) + self.eps)
        return w - self.lr * upd, m, v


def step(parameters, gradients, state):
    adam = Adam(**NETWORK["optimizer"])
    t = state.get("step", 0) + 1
    new_p, new_s = {}, {"step": t}
    for k, w in parameters.items():
        zero = np.zeros_like(w)
        new_p[k], new_s["m." + k], new_s["v." + k] = adam.update(
            k, w, gradients[k], state.get("m." + k, zero), state.get("v." + k, zero), t
        )
    return new_p, new_s


def loss_and_gradients(parameters, x, y):
    s = NETWORK["leaky_slope"]
    z = x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"]
    h = np.maximum(z, s * z)
    out = h @ parameters["dense_2.kernel"] + parameters["dense_2.bias"]
    e = (out - y) / len(y)
    dz = e @ parameters["dense_2.kernel"].T
    dz = np.where(z > 0, dz, s * dz)
    loss = ((out - y) ** 2).sum(axis=1).mean() / 2
    return loss, {
        "dense_2.kernel": h.T @ e,
        "dense_2.bias": e.sum(0),
        "dense_1.kernel": x.T @ dz,
        "dense_1.bias": dz.sum(0),
    }
