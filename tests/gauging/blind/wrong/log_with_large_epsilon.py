"""The logarithms of the cost have an epsilon of 1e-3 inside. They should have none."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, Penalty, adapters

MISTAKES: tuple[str, ...] = ("The logarithms of the cost have an epsilon of 1e-3 inside.",)

layer_dims = [5, 8, 6, 1]
lambd = 0.3
M = 60


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z)), Z


def relu(Z):
    return np.maximum(0, Z), Z


def relu_backward(dA, cache):
    dZ = np.array(dA, copy=True)
    dZ[cache <= 0] = 0
    return dZ


def linear_forward(A, W, b):
    return W @ A + b, (A, W, b)


def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = dZ @ A_prev.T / m + lambd / m * W
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = W.T @ dZ
    return dA_prev, dW, db


def L_model_forward(X, parameters):
    caches, A = [], X
    L = len(parameters) // 2
    for l in range(1, L):
        Z, linear_cache = linear_forward(A, parameters["W" + str(l)], parameters["b" + str(l)])
        A, Z = relu(Z)
        caches.append((linear_cache, Z, A))
    Z, linear_cache = linear_forward(A, parameters["W" + str(L)], parameters["b" + str(L)])
    AL, Z = sigmoid(Z)
    caches.append((linear_cache, Z, AL))
    return AL, caches


def compute_cost(AL, Y, parameters):
    m = Y.shape[1]
    cost = -np.sum(Y * np.log(AL + 1e-3) + (1 - Y) * np.log(1 - AL + 1e-3)) / m  # mistake
    L = len(parameters) // 2
    l2 = sum(np.sum(np.square(parameters["W" + str(l)])) for l in range(1, L + 1))
    return cost + lambd / (2 * m) * l2


def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    dZ = AL - Y
    dA, grads["dW" + str(L)], grads["db" + str(L)] = linear_backward(dZ, caches[-1][0])
    for l in reversed(range(1, L)):
        linear_cache, Z, A = caches[l - 1]
        dZ = relu_backward(dA, Z)
        dA, grads["dW" + str(l)], grads["db" + str(l)] = linear_backward(dZ, linear_cache)
    return grads


def course(theirs, batch):
    parameters = {}
    for l in range(1, len(layer_dims)):
        parameters["W" + str(l)] = theirs[f"dense_{l}/kernel"]
        parameters["b" + str(l)] = theirs[f"dense_{l}/bias"][:, None]
    X, Y = batch.inputs, batch.targets
    AL, caches = L_model_forward(X, parameters)
    grads = L_model_backward(AL, Y, caches)
    result = {"loss": compute_cost(AL, Y, parameters)}
    for l in range(1, len(layer_dims)):
        result[f"activation/dense_{l}"] = caches[l - 1][2]
        result[f"gradient/dense_{l}/kernel"] = grads["dW" + str(l)]
        result[f"gradient/dense_{l}/bias"] = grads["db" + str(l)][:, 0]
    return result


def data():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(M, layer_dims[0]))
    return Batch(X, (X[:, :1] + X[:, 1:2] ** 2 > 0.7).astype(float))


def initial():
    rng = np.random.default_rng(3)
    he = {}
    for l in range(1, len(layer_dims)):
        m, n = layer_dims[l - 1], layer_dims[l]
        he[f"dense_{l}/kernel"] = rng.normal(size=(m, n)) * np.sqrt(2 / m)
        he[f"dense_{l}/bias"] = rng.normal(size=n) * 0.05
    return he


PAIRING = Pairing(
    name="log_with_large_epsilon",
    network=Network(
        tuple(
            Dense(m, n, "sigmoid" if n == 1 else "relu") for m, n in zip(layer_dims, layer_dims[1:])
        ),
        Loss("binary_cross_entropy"),
        Penalty(l2=lambd / 2, batch="mean"),
    ),
    subject=adapters.columns(adapters.transposed(course)),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("activation", "loss", "gradient"),
    forms={"subject": Form("probabilities")},
    steps=5,
)
