import numpy as np

NETWORK = {
    "sizes": [7, 9, 8, 3],
    "activations": ["relu", "relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.1,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "1) The forward pass caches the product a @ W before the bias is added, and the relu mask in the backward pass is taken from this; it should be "
    "of the full pre-activation with bias. 2) The penalty is divided by the number of samples, in the loss and in the gradient; the contract has l2/2*sum W^2 undivided."
)


def forward(parameters, x):
    caches, a = [], x
    for i, name in enumerate(NETWORK["activations"], 1):
        prod = a @ parameters[f"dense_{i}.kernel"]
        caches.append((a, prod))
        z = prod + parameters[f"dense_{i}.bias"]
        if name == "relu":
            a = np.maximum(z, 0)
        else:
            z = z - z.max(axis=1, keepdims=True)
            a = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return a, caches


def compute_cost(p, y, parameters, lam):
    m = y.shape[0]
    cross = -np.sum(y * np.log(np.clip(p, 1e-15, 1))) / m
    reg = lam / (2 * m) * sum(np.sum(w**2) for k, w in parameters.items() if "kernel" in k)
    return cross + reg


def loss_and_gradients(parameters, x, y):
    lam, m = NETWORK["l2"], x.shape[0]
    p, caches = forward(parameters, x)
    cost = compute_cost(p, y, parameters, lam)
    grads = {}
    dz = p - y
    for i in range(len(caches), 0, -1):
        a, _ = caches[i - 1]
        W = parameters[f"dense_{i}.kernel"]
        grads[f"dense_{i}.kernel"] = (a.T @ dz + lam * W) / m
        grads[f"dense_{i}.bias"] = dz.sum(axis=0) / m
        if i > 1:
            dz = (dz @ W.T) * (caches[i - 2][1] > 0)
    return cost, grads
