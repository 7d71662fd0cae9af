import numpy as np

NETWORK = {
    "sizes": [8, 10, 6, 1],
    "activations": ["leaky_relu", "tanh", "linear"],
    "leaky_slope": 0.05,
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) sum of squares",
    "l2": 0.02,
    "optimizer": {
        "name": "nesterov",
        "learning_rate": 0.02,
        "momentum": 0.9,
        "note": "v = mu*v - lr*g; w += mu*v - lr*g",
    },
}
TRUTH = (
    "The penalty's gradient is added in a loop over range(1, L), counting layers from 1 to L-1: the last layer's kernel, "
    "dense_3, gets no l2 * W although its square is in the loss. It should be range(1, L + 1)."
)

SLOPE = NETWORK["leaky_slope"]
L = 3


def act(z, name):
    if name == "leaky_relu":
        return np.where(z > 0, z, SLOPE * z)
    if name == "tanh":
        return np.tanh(z)
    return z


def dact(z, name):
    if name == "leaky_relu":
        return np.where(z > 0, 1.0, SLOPE)
    if name == "tanh":
        return 1.0 - np.tanh(z) ** 2
    return np.ones_like(z)


def loss_and_gradients(parameters, x, y):
    a, z = {0: x}, {}
    for l in range(1, L + 1):
        z[l] = a[l - 1] @ parameters[f"dense_{l}.kernel"] + parameters[f"dense_{l}.bias"]
        a[l] = act(z[l], NETWORK["activations"][l - 1])
    loss = 0.5 * np.mean(np.sum((a[L] - y) ** 2, axis=1))
    loss += (
        0.5
        * NETWORK["l2"]
        * sum((parameters[f"dense_{l}.kernel"] ** 2).sum() for l in range(1, L + 1))
    )

    grads = {}
    da = (a[L] - y) / x.shape[0]
    for l in range(L, 0, -1):
        dz = da * dact(z[l], NETWORK["activations"][l - 1])
        grads[f"dense_{l}.kernel"] = a[l - 1].T @ dz
        grads[f"dense_{l}.bias"] = np.sum(dz, axis=0)
        da = dz @ parameters[f"dense_{l}.kernel"].T

    # weight decay
    for l in range(1, L):
        grads[f"dense_{l}.kernel"] += NETWORK["l2"] * parameters[f"dense_{l}.kernel"]
    return loss, grads


def step(parameters, gradients, state):
    lr, mu = NETWORK["optimizer"]["learning_rate"], NETWORK["optimizer"]["momentum"]
    out, st = {}, {"step": state.get("step", 0) + 1}
    for name in parameters:
        v_prev = state.get("v." + name, np.zeros_like(parameters[name]))
        v = mu * v_prev - lr * gradients[name]
        out[name] = parameters[name] - mu * v_prev + (1 + mu) * v
        st["v." + name] = v
    return out, st
