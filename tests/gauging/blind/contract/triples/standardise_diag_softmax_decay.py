import numpy as np

NETWORK = {
    "sizes": [6, 7, 4],
    "activations": ["leaky_relu", "softmax"],
    "leaky_slope": 0.1,
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "wrong, three: (1) x is centred with the batch's own column means before the first layer, which the network does not state (x must go in as "
    "given); (2) the softmax is back-propagated with the diagonal p * (1 - p) only, the off-diagonal terms -p_i p_j are missing: should be "
    "p * (g - sum(g * p)); (3) step uses lr / (1 + 0.01 * step), the stated sgd has a constant learning rate."
)


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def loss_and_gradients(parameters, x, y):
    alpha = NETWORK["leaky_slope"]
    x = x - x.mean(axis=0)
    z1 = x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"]
    a1 = np.where(z1 > 0, z1, alpha * z1)
    p = softmax(a1 @ parameters["dense_2.kernel"] + parameters["dense_2.bias"])
    n = p.shape[0]
    loss = np.sum((p - y) ** 2) / 2 / n

    g = (p - y) / n
    dz2 = g * p * (1 - p)
    da1 = dz2 @ parameters["dense_2.kernel"].T
    dz1 = da1 * np.where(z1 > 0, 1, alpha)
    return loss, {
        "dense_1.kernel": x.T @ dz1,
        "dense_1.bias": dz1.sum(axis=0),
        "dense_2.kernel": a1.T @ dz2,
        "dense_2.bias": dz2.sum(axis=0),
    }


def step(parameters, gradients, state):
    it = state.get("step", 0)
    lr = NETWORK["optimizer"]["learning_rate"] / (1 + 0.01 * it)
    return {k: parameters[k] - lr * gradients[k] for k in parameters}, {"step": it + 1}
