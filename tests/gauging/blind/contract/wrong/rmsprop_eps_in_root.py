import numpy as np

NETWORK = {
    "sizes": [7, 6, 1],
    "activations": ["relu", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.003,
    "optimizer": {
        "name": "rmsprop",
        "learning_rate": 0.01,
        "rho": 0.9,
        "epsilon": 1e-3,
        "note": "w -= lr g / (sqrt(v) + eps)",
    },
}
TRUTH = "wrong: step divides by sqrt(v + eps); epsilon belongs outside the root: sqrt(v) + eps."


def softplus(t):
    return np.log1p(np.exp(-np.abs(t))) + np.maximum(t, 0)


def loss_and_gradients(parameters, x, y):
    n = x.shape[0]
    w1, c1 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    w2, c2 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    pre = x @ w1 + c1
    hid = np.where(pre > 0, pre, 0)
    logit = hid @ w2 + c2
    lam = NETWORK["l2"]
    loss = (softplus(logit) - y * logit).sum() / n + lam / 2 * ((w1**2).sum() + (w2**2).sum())
    with np.errstate(over="ignore"):
        g2 = (1 / (1 + np.exp(-logit)) - y) / n
    g1 = np.where(pre > 0, g2 @ w2.T, 0)
    return loss, {
        "dense_1.kernel": x.T @ g1 + lam * w1,
        "dense_1.bias": g1.sum(0),
        "dense_2.kernel": hid.T @ g2 + lam * w2,
        "dense_2.bias": g2.sum(0),
    }


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    rho = o["rho"]
    ret, st = dict(parameters), dict(state)
    st["step"] = state.get("step", 0) + 1
    for key, g in gradients.items():
        ms = rho * state.get("v." + key, np.zeros_like(g)) + (1 - rho) * g**2
        st["v." + key] = ms
        ret[key] = parameters[key] - o["learning_rate"] * g / np.sqrt(ms + o["epsilon"])
    return ret, st
