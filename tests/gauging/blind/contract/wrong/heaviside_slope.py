import numpy as np

NETWORK = {
    "sizes": [4, 9, 6, 3],
    "activations": ["leaky_relu", "leaky_relu", "softmax"],
    "leaky_slope": 0.15,
    "loss": "categorical_crossentropy",
}
TRUTH = (
    "wrong: the leaky ReLU derivative is np.heaviside(z, slope); the second argument of heaviside is the value AT zero, not for negative "
    "inputs, so negative units get derivative 0 instead of the slope. Should be np.where(z > 0, 1.0, slope)."
)

SLOPE = NETWORK["leaky_slope"]


def lrelu(z):
    return np.maximum(z, SLOPE * z)


def dlrelu(z):
    return np.heaviside(z, SLOPE)


def softmax_rows(z):
    z = (z.T - z.max(axis=1)).T
    e = np.exp(z)
    return (e.T / e.sum(axis=1)).T


def loss_and_gradients(parameters, x, y):
    P = lambda i: (parameters["dense_%i.kernel" % i], parameters["dense_%i.bias" % i])
    (W1, b1), (W2, b2), (W3, b3) = P(1), P(2), P(3)
    z1 = x @ W1 + b1
    h1 = lrelu(z1)
    z2 = h1 @ W2 + b2
    h2 = lrelu(z2)
    yhat = softmax_rows(h2 @ W3 + b3)
    N = len(y)
    J = -np.sum(y * np.log(yhat + 1e-300)) / N
    e3 = (yhat - y) / N
    e2 = (e3 @ W3.T) * dlrelu(z2)
    e1 = (e2 @ W2.T) * dlrelu(z1)
    return J, {
        "dense_1.kernel": x.T @ e1,
        "dense_2.kernel": h1.T @ e2,
        "dense_3.kernel": h2.T @ e3,
        "dense_1.bias": e1.sum(0),
        "dense_2.bias": e2.sum(0),
        "dense_3.bias": e3.sum(0),
    }
