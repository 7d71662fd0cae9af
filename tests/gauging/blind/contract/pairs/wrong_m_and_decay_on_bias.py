"""Julia port: samples are columns inside, rows outside."""

import numpy as np

NETWORK = {
    "sizes": [5, 7, 4],
    "activations": ["relu", "softmax"],
    "loss": "categorical_crossentropy",
    "optimizer": {
        "name": "adamw",
        "learning_rate": 0.01,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.1,
        "note": "w -= lr * weight_decay * w_before, on kernels only",
    },
}
TRUTH = (
    "wrong, two: (1) m = X.shape[1] is taken before X is transposed to columns, so it is the number of features (5), not of samples: loss and "
    "gradients are divided by 5 instead of n; (2) step decays the biases too; weight decay is for kernels only."
)


def loss_and_gradients(parameters, x, y):
    X, Y = np.asarray(x), np.asarray(y)
    m = X.shape[1]
    X, Y = X.T, Y.T
    W1, W2 = parameters["dense_1.kernel"].T, parameters["dense_2.kernel"].T
    b1, b2 = parameters["dense_1.bias"].reshape(-1, 1), parameters["dense_2.bias"].reshape(-1, 1)

    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2
    Z2 = Z2 - Z2.max(axis=0, keepdims=True)
    logP = Z2 - np.log(np.exp(Z2).sum(axis=0, keepdims=True))
    J = -(Y * logP).sum() / m

    dZ2 = (np.exp(logP) - Y) / m
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    return J, {
        "dense_1.kernel": (dZ1 @ X.T).T,
        "dense_1.bias": dZ1.sum(axis=1),
        "dense_2.kernel": (dZ2 @ A1.T).T,
        "dense_2.bias": dZ2.sum(axis=1),
    }


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    t = state.get("step", 0) + 1
    st, new = {"step": t}, {}
    corr = np.sqrt(1 - o["beta_2"] ** t) / (1 - o["beta_1"] ** t)
    for k, th in parameters.items():
        g = gradients[k]
        m = st["m." + k] = o["beta_1"] * state.get("m." + k, 0 * g) + (1 - o["beta_1"]) * g
        v = st["v." + k] = o["beta_2"] * state.get("v." + k, 0 * g) + (1 - o["beta_2"]) * g * g
        eps = o["epsilon"] * np.sqrt(1 - o["beta_2"] ** t)
        wd = o["weight_decay"]
        new[k] = th - o["learning_rate"] * (corr * m / (np.sqrt(v) + eps) + wd * th)
    return new, st
