import numpy as np

NETWORK = {
    "sizes": [4, 8, 3],
    "activations": ["tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "optimizer": {
        "name": "momentum",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "note": "v = mu v - lr g; w += v",
    },
}
TRUTH = (
    "wrong: step uses the exponential-average form v = mu v - (1 - mu) lr g; the stated momentum is v = mu v - lr g "
    "(no factor 1 - mu on the gradient)."
)


def forward(p, x):
    h = np.tanh(x @ p["dense_1.kernel"] + p["dense_1.bias"])
    o = h @ p["dense_2.kernel"] + p["dense_2.bias"]
    o -= o.max(1, keepdims=True)
    return h, o - np.log(np.exp(o).sum(1, keepdims=True))


def loss_and_gradients(parameters, x, y):
    h, logp = forward(parameters, x)
    n = len(x)
    do = (np.exp(logp) - y) / n
    dh = (do @ parameters["dense_2.kernel"].T) * (1 - h * h)
    return -np.vdot(y, logp) / n, {
        "dense_1.kernel": x.T @ dh,
        "dense_1.bias": dh.sum(0),
        "dense_2.kernel": h.T @ do,
        "dense_2.bias": do.sum(0),
    }


def step(parameters, gradients, state):
    beta = NETWORK["optimizer"]["momentum"]
    alpha = NETWORK["optimizer"]["learning_rate"]
    new_state = {"step": state.get("step", 0) + 1}
    new_params = {}
    for name in parameters:
        v_prev = state.get(f"v.{name}", 0.0)
        v = beta * v_prev - (1 - beta) * alpha * gradients[name]
        new_params[name] = parameters[name] + v
        new_state[f"v.{name}"] = v
    return new_params, new_state
