import numpy as np

NETWORK = {
    "sizes": [4, 6, 6, 5, 3],
    "activations": ["tanh", "relu", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
}
TRUTH = (
    "wrong, two: (1) logsumexp returns the log of the shifted sum and forgets to add the row maximum back, so the loss lacks it and the probabilities "
    "exp(z - lse) do not sum to one (gradient wrong too); (2) in the backward loop the derivatives are taken from activations[k] instead of "
    "activations[k - 1] for the delta of layer k (list is zero-based), so every hidden layer uses its upper neighbour's function."
)

DERIV = {
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0) * 1.0,
    "sigmoid": lambda z: 0.25 * (1 - np.tanh(z / 2) ** 2),
    "softmax": lambda z: np.ones_like(z),  # handled together with the loss
}
FUNC = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 0.5 * (1 + np.tanh(z / 2)),
}


def logsumexp(z):
    zmax = z.max(axis=1, keepdims=True)
    return np.log(np.exp(z - zmax).sum(axis=1, keepdims=True))


def loss_and_gradients(parameters, x, y):
    activations = NETWORK["activations"]
    L = len(activations)
    zs, outs = {}, {0: x}
    for k in range(1, L + 1):
        zs[k] = outs[k - 1] @ parameters[f"dense_{k}.kernel"] + parameters[f"dense_{k}.bias"]
        if k < L:
            outs[k] = FUNC[activations[k - 1]](zs[k])
    lse = logsumexp(zs[L])
    loss = np.sum(y * (lse - zs[L])) / len(x)
    delta = (np.exp(zs[L] - lse) - y) / len(x)
    grads = {}
    for k in range(L, 0, -1):
        if k < L:
            delta = (delta @ parameters[f"dense_{k + 1}.kernel"].T) * DERIV[activations[k]](zs[k])
        grads[f"dense_{k}.kernel"] = outs[k - 1].T @ delta
        grads[f"dense_{k}.bias"] = delta.sum(axis=0)
    return loss, grads
