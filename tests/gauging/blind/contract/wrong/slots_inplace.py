"""Optimizer with slots made once, updated in place."""

import numpy as np

NETWORK = {
    "sizes": [6, 6, 6, 2],
    "activations": ["tanh", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {
        "name": "momentum",
        "learning_rate": 0.05,
        "momentum": 0.9,
        "note": "v = mu*v - lr*g; w += v",
    },
}
TRUTH = (
    "make_slots creates one zero array per shape and gives it to all parameters of this shape (dense_1 and dense_2 kernels, their biases); "
    "as step() updates the slots in place, layers of equal shape share one velocity. Every parameter needs its own zeros."
)


def make_slots(parameters):
    zeros = {w.shape: np.zeros(w.shape) for w in parameters.values()}
    return {"v." + name: zeros[w.shape] for name, w in parameters.items()}


def step(parameters, gradients, state):
    mu, lr = NETWORK["optimizer"]["momentum"], NETWORK["optimizer"]["learning_rate"]
    done = state.get("step", 0)
    if "v.dense_1.kernel" not in state:
        slots = make_slots(parameters)
    else:
        slots = {k: v.copy() for k, v in state.items() if k.startswith("v.")}
    moved = {}
    for name, w in parameters.items():
        vel = slots["v." + name]
        vel *= mu
        vel -= lr * gradients[name]
        moved[name] = w + vel
    slots["step"] = done + 1
    return moved, slots


def loss_and_gradients(parameters, x, y):
    a = [x]
    for k in (1, 2, 3):
        z = a[-1] @ parameters[f"dense_{k}.kernel"] + parameters[f"dense_{k}.bias"]
        a.append(np.tanh(z) if k < 3 else z)
    z = a.pop()
    z = z - z.max(1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(1, keepdims=True))
    loss = -(logp * y).sum(1).mean()
    d = (np.exp(logp) - y) / len(y)
    out = {}
    for k in (3, 2, 1):
        h = a.pop()
        out[f"dense_{k}.kernel"], out[f"dense_{k}.bias"] = h.T @ d, d.sum(0)
        d = d @ parameters[f"dense_{k}.kernel"].T * (1 - h * h)
    return loss, out
