"""Port of the course exercise (ex4) to our parameter names."""

import numpy as np

NETWORK = {
    "sizes": [6, 9, 5, 3],
    "activations": ["sigmoid", "sigmoid", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.5,
}
TRUTH = (
    "wrong: the L2 penalty is lambda/(2m) * sum W^2 with gradient lambda/m * W (the course's convention); the stated penalty is "
    "l2/2 * sum W^2, gradient l2 * W, not divided by the number of samples. Loss and gradient agree with each other."
)


def sigmoid(z):
    return np.where(
        z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z)))
    )


def loss_and_gradients(parameters, X, Y):
    m = X.shape[0]
    lam = NETWORK["l2"]
    Theta1, b1 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    Theta2, b2 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    Theta3, b3 = parameters["dense_3.kernel"], parameters["dense_3.bias"]

    a1 = X
    a2 = sigmoid(a1 @ Theta1 + b1)
    a3 = sigmoid(a2 @ Theta2 + b2)
    z4 = a3 @ Theta3 + b3
    h = sigmoid(z4)

    J = (1 / m) * np.sum(np.maximum(z4, 0) - Y * z4 + np.log1p(np.exp(-np.abs(z4))))
    reg = lam / (2 * m) * (np.sum(Theta1**2) + np.sum(Theta2**2) + np.sum(Theta3**2))

    delta4 = h - Y
    delta3 = (delta4 @ Theta3.T) * a3 * (1 - a3)
    delta2 = (delta3 @ Theta2.T) * a2 * (1 - a2)

    grads = {}
    for i, (a, d, Th) in enumerate(
        [(a1, delta2, Theta1), (a2, delta3, Theta2), (a3, delta4, Theta3)]
    ):
        grads["dense_%d.kernel" % (i + 1)] = a.T @ d / m + lam / m * Th
        grads["dense_%d.bias" % (i + 1)] = d.sum(axis=0) / m
    return J + reg, grads
