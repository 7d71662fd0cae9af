import numpy as np

NETWORK = {
    "sizes": [10, 12, 10, 8, 1],
    "activations": ["relu", "relu", "relu", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half: (1/2n) sum (p - y)^2",
    "l2": 0.0,
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    },
}
TRUTH = (
    "relu's backward clips the incoming gradient itself, max(0, grad), rather than masking it by the sign of the pre-activation: "
    "negative gradients are lost and gradients pass inactive units. It should be grad * (z > 0)."
)


def relu(z):
    return np.maximum(0, z)


def relu_backward(grad, z):
    return np.maximum(0, grad)


def loss_and_gradients(parameters, x, y):
    stack, a = [], x
    last = len(NETWORK["activations"])
    for i in range(1, last + 1):
        z = a @ parameters[f"dense_{i}.kernel"] + parameters[f"dense_{i}.bias"]
        stack.append((i, a, z))
        a = z if i == last else relu(z)
    diff = a - y
    loss = 0.5 * float((diff * diff).sum()) / x.shape[0]
    grads, g = {}, diff / x.shape[0]
    while stack:
        i, a, z = stack.pop()
        if i != last:
            g = relu_backward(g, z)
        grads[f"dense_{i}.kernel"] = a.T @ g
        grads[f"dense_{i}.bias"] = g.sum(axis=0)
        g = g @ parameters[f"dense_{i}.kernel"].T
    return loss, grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    t = state.get("step", 0) + 1
    new, s = {}, {"step": t}
    for k, w in parameters.items():
        g = gradients[k]
        s["m." + k] = o["beta_1"] * state.get("m." + k, np.zeros_like(w)) + (1 - o["beta_1"]) * g
        s["v." + k] = (
            o["beta_2"] * state.get("v." + k, np.zeros_like(w)) + (1 - o["beta_2"]) * g * g
        )
        mh = s["m." + k] / (1 - o["beta_1"] ** t)
        vh = s["v." + k] / (1 - o["beta_2"] ** t)
        new[k] = w - o["learning_rate"] * mh / (np.sqrt(vh) + o["epsilon"])
    return new, s
