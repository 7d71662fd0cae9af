"""Samples as columns, as in many lecture notes."""

import numpy as np

NETWORK = {
    "sizes": [12, 9, 7, 6],
    "activations": ["tanh", "relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.3},
}
TRUTH = (
    "The gradient is divided by Y.size = samples * classes, the loss by the number of samples (Y.shape[1], as columns are samples). "
    "All gradients are too small by the number of classes."
)


def loss_and_gradients(parameters, x, y):
    A0, Y = x.T, y.T
    W1, W2, W3 = (parameters[f"dense_{i}.kernel"].T for i in (1, 2, 3))
    b1, b2, b3 = (parameters[f"dense_{i}.bias"].reshape(-1, 1) for i in (1, 2, 3))
    Z1 = W1 @ A0 + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = np.maximum(0, Z2)
    Z3 = W3 @ A2 + b3
    E = np.exp(Z3 - Z3.max(axis=0, keepdims=True))
    A3 = E / E.sum(axis=0, keepdims=True)
    J = -np.sum(Y * np.log(A3 + 1e-16)) / Y.shape[1]

    dZ3 = (A3 - Y) / Y.size
    dW3, db3 = dZ3 @ A2.T, dZ3.sum(axis=1, keepdims=True)
    dZ2 = (W3.T @ dZ3) * (Z2 > 0)
    dW2, db2 = dZ2 @ A1.T, dZ2.sum(axis=1, keepdims=True)
    dZ1 = (W2.T @ dZ2) * (1 - np.power(A1, 2))
    dW1, db1 = dZ1 @ A0.T, dZ1.sum(axis=1, keepdims=True)
    return J, {
        "dense_1.kernel": dW1.T,
        "dense_1.bias": db1[:, 0],
        "dense_2.kernel": dW2.T,
        "dense_2.bias": db2[:, 0],
        "dense_3.kernel": dW3.T,
        "dense_3.bias": db3[:, 0],
    }
