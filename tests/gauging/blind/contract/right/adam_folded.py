"""Adam with the bias corrections folded into learning rate and epsilon; incremental moments."""

import numpy as np

NETWORK = {
    "sizes": [8, 7, 6, 1],
    "activations": ["tanh", "tanh", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.001,
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.01,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-4,
    },
}
TRUTH = "right"


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    t = int(state.get("step", 0)) + 1
    c1, c2 = -np.expm1(t * np.log(o["beta_1"])), -np.expm1(t * np.log(o["beta_2"]))
    rate = o["learning_rate"] * np.sqrt(c2) / c1
    eps = o["epsilon"] * np.sqrt(c2)
    new, slots = {}, {"step": t}
    for k, w in parameters.items():
        m = state.get("m." + k, np.zeros_like(w))
        v = state.get("v." + k, np.zeros_like(w))
        m = m + (1 - o["beta_1"]) * (gradients[k] - m)
        v = v - (1 - o["beta_2"]) * (v - gradients[k] ** 2)
        slots["m." + k], slots["v." + k] = m, v
        new[k] = w - rate * m / (np.sqrt(v) + eps)
    return new, slots


def loss_and_gradients(parameters, x, y):
    n = len(x)
    t1 = np.tanh(x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"])
    t2 = np.tanh(t1 @ parameters["dense_2.kernel"] + parameters["dense_2.bias"])
    s = t2 @ parameters["dense_3.kernel"] + parameters["dense_3.bias"]
    # labels as signs: log(1 + exp(-margin))
    sign = 2 * y - 1
    margin = sign * s
    loss = np.logaddexp(0, -margin).sum() / n
    d3 = -sign * 0.5 * (1 - np.tanh(margin / 2)) / n
    d2 = (d3 * parameters["dense_3.kernel"][:, 0]) * (1 - t2) * (1 + t2)
    d1 = (d2 @ parameters["dense_2.kernel"].T) * (1 - t1**2)
    grads = {}
    for i, a, d in ((1, x, d1), (2, t1, d2), (3, t2, d3)):
        w = parameters[f"dense_{i}.kernel"]
        loss += NETWORK["l2"] / 2 * float(w.ravel() @ w.ravel())
        grads[f"dense_{i}.kernel"], grads[f"dense_{i}.bias"] = a.T @ d + NETWORK["l2"] * w, d.sum(0)
    return loss, grads
