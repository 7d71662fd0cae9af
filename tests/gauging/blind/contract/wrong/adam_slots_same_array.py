import copy
import numpy as np

NETWORK = {
    "sizes": [4, 6, 5, 1],
    "activations": ["tanh", "relu", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.01,
        "beta_1": 0.8,
        "beta_2": 0.9,
        "epsilon": 1e-7,
    },
}
TRUTH = (
    "wrong: on the first call step creates m and v by one chained assignment, so both slots are the SAME zero array, and the in-place "
    "updates of v also overwrite m (and the other way round; where the common value is negative the root is nan). Needs two separate np.zeros_like."
)


def loss_and_gradients(parameters, x, y):
    W = [parameters[f"dense_{i}.kernel"] for i in (1, 2, 3)]
    b = [parameters[f"dense_{i}.bias"] for i in (1, 2, 3)]
    h1 = np.tanh(x @ W[0] + b[0])
    h2 = np.clip(h1 @ W[1] + b[1], 0, None)
    p = h2 @ W[2] + b[2]
    n = x.shape[0]
    d3 = (p - y) / n
    d2 = (d3 @ W[2].T) * (h2 > 0)
    d1 = (d2 @ W[1].T) * (1 - h1**2)
    grads = {}
    for i, (a, d) in enumerate(zip((x, h1, h2), (d1, d2, d3)), start=1):
        grads[f"dense_{i}.kernel"] = a.T @ d
        grads[f"dense_{i}.bias"] = d.sum(axis=0)
    return np.sum((p - y) ** 2) / (2 * n), grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    state = copy.deepcopy(state)
    t = state["step"] = state.get("step", 0) + 1
    new = {}
    for k, g in gradients.items():
        if "m." + k not in state:
            state["m." + k] = state["v." + k] = np.zeros_like(parameters[k])
        m, v = state["m." + k], state["v." + k]
        m *= o["beta_1"]
        m += (1 - o["beta_1"]) * g
        v *= o["beta_2"]
        v += (1 - o["beta_2"]) * g**2
        mhat = m / (1 - o["beta_1"] ** t)
        vhat = v / (1 - o["beta_2"] ** t)
        new[k] = parameters[k] - o["learning_rate"] * mhat / (np.sqrt(vhat) + o["epsilon"])
    return new, state
