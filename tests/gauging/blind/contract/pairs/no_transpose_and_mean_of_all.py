import numpy as np

NETWORK = {
    "sizes": [6, 6, 6, 3],
    "activations": ["sigmoid", "relu", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {"name": "sgd", "learning_rate": 0.01},
}
TRUTH = (
    "wrong, two: (1) from dense_2 to dense_1 the delta is multiplied by the kernel itself instead of its transpose (square, so the shapes fit); "
    "should be d2 @ K2.T; (2) the loss is np.mean over all entries, i.e. also divided by the 3 outputs; it must be summed over the outputs and "
    "averaged over samples only (the gradients do that)."
)


def loss_and_gradients(parameters, x, y):
    K1, K2, K3 = [parameters[f"dense_{i}.kernel"] for i in range(1, 4)]
    c1, c2, c3 = [parameters[f"dense_{i}.bias"] for i in range(1, 4)]

    with np.errstate(over="ignore"):
        a1 = 1 / (1 + np.exp(-(x @ K1 + c1)))
    z2 = a1 @ K2 + c2
    a2 = z2.clip(min=0)
    pred = a2 @ K3 + c3

    loss = 0.5 * np.mean((pred - y) ** 2)

    d3 = (pred - y) / len(x)
    d2 = np.dot(d3, K3.T) * (z2 > 0)
    d1 = np.dot(d2, K2) * (a1 * (1 - a1))

    return loss, {
        "dense_1.kernel": np.dot(x.T, d1),
        "dense_1.bias": d1.sum(axis=0),
        "dense_2.kernel": np.dot(a1.T, d2),
        "dense_2.bias": d2.sum(axis=0),
        "dense_3.kernel": np.dot(a2.T, d3),
        "dense_3.bias": d3.sum(axis=0),
    }


def step(parameters, gradients, state):
    lr = NETWORK["optimizer"]["learning_rate"]
    new = {k: parameters[k] - lr * gradients[k] for k in parameters}
    return new, {"step": state.get("step", 0) + 1}
