"""The chain rule in full: dA = −y/a + (1−y)/(1−a), then times a(1−a), as in the deep learning courses; no guard."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, adapters


def L_model_forward(X, parameters):
    caches, A, L = [], X, len(parameters) // 2
    for l in range(1, L + 1):
        W, b = parameters[f"dense_{l}/kernel"], parameters[f"dense_{l}/bias"].reshape(-1, 1)
        Z = np.dot(W, A) + b
        A_prev, A = A, np.maximum(0, Z) if l < L else 1 / (1 + np.exp(-Z))
        caches.append((A_prev, W, Z, A))
    return A, caches


def subject(parameters, batch):
    X, Y = batch.inputs, batch.targets
    m = Y.shape[1]
    AL, caches = L_model_forward(X, parameters)
    cost = -1 / m * np.sum(np.multiply(Y, np.log(AL)) + np.multiply(1 - Y, np.log(1 - AL)))
    grads = {"loss": np.squeeze(cost)}
    dA = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    for l in reversed(range(len(caches))):
        A_prev, W, Z, A = caches[l]
        if l == len(caches) - 1:
            dZ = dA * A * (1 - A)
        else:
            dZ = np.array(dA, copy=True)
            dZ[Z <= 0] = 0
        grads[f"activation/dense_{l + 1}"] = A
        grads[f"gradient/dense_{l + 1}/kernel"] = 1.0 / m * np.dot(dZ, A_prev.T)
        grads[f"gradient/dense_{l + 1}/bias"] = 1.0 / m * np.sum(dZ, axis=1)
        dA = np.dot(W.T, dZ)
    return grads


def data():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 4))
    return Batch(X, (X[:, :1] + X[:, 1:2] ** 2 > 0.5).astype(float))


def initial():
    rng = np.random.default_rng(1)
    p, dims = {}, [4, 7, 5, 1]
    for l in range(1, 4):
        p[f"dense_{l}/kernel"] = rng.normal(size=(dims[l - 1], dims[l])) / np.sqrt(dims[l - 1])
        p[f"dense_{l}/bias"] = np.zeros(dims[l])
    return p


PAIRING = Pairing(
    name="bce_long_chain",
    network=Network(
        (Dense(4, 7, "relu"), Dense(7, 5, "relu"), Dense(5, 1, "sigmoid")),
        Loss("binary_cross_entropy"),
    ),
    subject=adapters.transposed(adapters.columns(subject)),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.0075),
    forms={"subject": Form("probabilities")},
    partial=True,
)
