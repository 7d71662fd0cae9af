import numpy as np

NETWORK = {
    "sizes": [8, 6, 5, 1],
    "activations": ["relu", "relu", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.0075},
}
TRUTH = (
    "linear_backward sums dZ over samples AND units (np.sum without axis), so every bias of a layer gets the same total; "
    "only right for the one-unit output layer. It should be the sum over the samples only (axis=1 here, samples are columns)."
)


def linear_forward(A, W, b):
    return np.dot(W, A) + b, (A, W, b)


def linear_activation_forward(A_prev, W, b, activation):
    Z, linear_cache = linear_forward(A_prev, W, b)
    if activation == "sigmoid":
        A = 1 / (1 + np.exp(-Z))
    else:
        A = np.maximum(0, Z)
    return A, (linear_cache, Z)


def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.full(b.shape, np.sum(dZ) / m)
    return np.dot(W.T, dZ), dW, db


def linear_activation_backward(dA, cache, activation):
    linear_cache, Z = cache
    if activation == "sigmoid":
        s = 1 / (1 + np.exp(-Z))
        dZ = dA * s * (1 - s)
    else:
        dZ = np.array(dA, copy=True)
        dZ[Z <= 0] = 0
    return linear_backward(dZ, linear_cache)


def loss_and_gradients(parameters, x, y):
    acts = NETWORK["activations"]
    A, Y = x.T, y.T
    caches = []
    for l in range(1, len(acts) + 1):
        A, cache = linear_activation_forward(
            A,
            parameters[f"dense_{l}.kernel"].T,
            parameters[f"dense_{l}.bias"][:, None],
            acts[l - 1],
        )
        caches.append(cache)
    m = Y.shape[1]
    AL = np.clip(A, 1e-15, 1 - 1e-15)
    cost = -(np.dot(Y, np.log(AL).T) + np.dot(1 - Y, np.log(1 - AL).T)) / m
    grads = {}
    L = len(acts)
    dA, dW, db = linear_backward(A - Y, caches[-1][0])  # sigmoid and cross-entropy together
    grads[f"dense_{L}.kernel"], grads[f"dense_{L}.bias"] = dW.T, db.ravel()
    for l in reversed(range(1, L)):
        dA, dW, db = linear_activation_backward(dA, caches[l - 1], acts[l - 1])
        grads[f"dense_{l}.kernel"], grads[f"dense_{l}.bias"] = dW.T, db.ravel()
    return float(np.squeeze(cost)), grads
