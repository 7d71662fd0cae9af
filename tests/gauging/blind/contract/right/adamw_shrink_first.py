import numpy as np

NETWORK = {
    "sizes": [20, 16, 12, 10, 4],
    "activations": ["relu", "leaky_relu", "tanh", "softmax"],
    "leaky_slope": 0.3,
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {
        "name": "adamw",
        "learning_rate": 0.003,
        "beta_1": 0.9,
        "beta_2": 0.98,
        "epsilon": 1e-9,
        "weight_decay": 0.1,
        "note": "decoupled decay, kernels only: w -= lr * weight_decay * w_before",
    },
}
TRUTH = "right"
SLOPE = NETWORK["leaky_slope"]

# every activation as (value, backward from the OUTPUT value)
PAIRS = {
    "relu": (lambda z: (z + abs(z)) / 2, lambda a, d: np.where(a > 0, d, 0)),
    "leaky_relu": (lambda z: np.fmax(z, SLOPE * z), lambda a, d: d * np.where(a > 0, 1, SLOPE)),
    "tanh": (np.tanh, lambda a, d: d - d * a * a),
}


def loss_and_gradients(parameters, x, y):
    outputs = {0: x}
    L = len(NETWORK["sizes"]) - 1
    for l in range(1, L + 1):
        z = np.matmul(outputs[l - 1], parameters[f"dense_{l}.kernel"])
        z += parameters[f"dense_{l}.bias"]
        if l < L:
            outputs[l] = PAIRS[NETWORK["activations"][l - 1]][0](z)
    z -= z.max(axis=1)[:, None]
    e = np.exp(z)
    total = e.sum(axis=1)
    loss = (np.log(total) - z[y > 0]).mean()

    d = e / total[:, None]
    d[y > 0] -= 1
    d /= len(x)
    grads = dict.fromkeys(parameters)
    for l in range(L, 0, -1):
        grads[f"dense_{l}.kernel"] = (d.T @ outputs[l - 1]).T
        grads[f"dense_{l}.bias"] = d.sum(axis=0)
        if l > 1:
            d = PAIRS[NETWORK["activations"][l - 2]][1](
                outputs[l - 1], (parameters[f"dense_{l}.kernel"] @ d.T).T
            )
    return loss, grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    t = state.get("step", 0) + 1
    shrink = 1.0 - o["learning_rate"] * o["weight_decay"]
    new, s = {}, {"step": t}
    for k, w in parameters.items():
        w = w * shrink if k.endswith("kernel") else w.copy()
        m = (1 - o["beta_1"]) * gradients[k]
        v = (1 - o["beta_2"]) * gradients[k] ** 2
        if t > 1 and "m." + k in state:
            m = m + o["beta_1"] * state["m." + k]
            v = v + o["beta_2"] * state["v." + k]
        s["m." + k], s["v." + k] = m, v
        w -= (
            o["learning_rate"]
            * (m / (1 - o["beta_1"] ** t))
            / (np.sqrt(v / (1 - o["beta_2"] ** t)) + o["epsilon"])
        )
        new[k] = w
    return new, s
