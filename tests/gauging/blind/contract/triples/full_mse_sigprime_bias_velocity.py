import numpy as np

NETWORK = {
    "sizes": [4, 5, 3],
    "activations": ["sigmoid", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {"name": "momentum", "learning_rate": 0.02, "momentum": 0.9},
}
TRUTH = (
    "wrong, three: (1) loss and gradient are those of the full squared error (1/n, factor 2), the stated loss is the half one (1/(2n)); "
    "(2) sigmoid_prime is written for the pre-activation (sigmoid(u) * (1 - sigmoid(u))) but gets the activation h; should be h * (1 - h); "
    "(3) step writes the velocity back only for kernels, so the biases always start from zero velocity (plain SGD)."
)


def sigmoid(u):
    return 1.0 / (1.0 + np.exp(-u.clip(-600, 600)))


def sigmoid_prime(u):
    return sigmoid(u) * (1 - sigmoid(u))


def loss_and_gradients(parameters, x, y):
    n = len(x)
    h = sigmoid(x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"])
    out = h @ parameters["dense_2.kernel"] + parameters["dense_2.bias"]
    diff = out - y
    loss = (diff**2).sum() / n
    dout = 2 * diff / n
    dh = (dout @ parameters["dense_2.kernel"].T) * sigmoid_prime(h)
    return loss, {
        "dense_1.kernel": x.T @ dh,
        "dense_1.bias": dh.sum(axis=0),
        "dense_2.kernel": h.T @ dout,
        "dense_2.bias": dout.sum(axis=0),
    }


def step(parameters, gradients, state):
    opt = NETWORK["optimizer"]
    new_state = dict(state)
    new_state["step"] = state.get("step", 0) + 1
    new = {}
    for layer in ("dense_1", "dense_2"):
        kw, kb = layer + ".kernel", layer + ".bias"
        vw = opt["momentum"] * state.get("v." + kw, 0.0) - opt["learning_rate"] * gradients[kw]
        vb = opt["momentum"] * state.get("v." + kb, 0.0) - opt["learning_rate"] * gradients[kb]
        new[kw] = parameters[kw] + vw
        new[kb] = parameters[kb] + vb
        new_state["v." + kw] = vw

    return new, new_state
