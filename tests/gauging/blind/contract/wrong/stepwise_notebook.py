# cells of a notebook, put together
import numpy as np

NETWORK = {
    "sizes": [5, 8, 6, 2],
    "activations": ["tanh", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) * sum over samples and outputs",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
}
TRUTH = (
    "All bias gradients: delta already carries the 1/n of the loss, yet the bias gradient is the mean of delta over the samples, "
    "so it is n times too small. It should be the sum over the samples, delta.sum(axis=0)."
)


def loss_and_gradients(parameters, x, y):
    W1, b1 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    W2, b2 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    W3, b3 = parameters["dense_3.kernel"], parameters["dense_3.bias"]
    n = x.shape[0]

    # forward
    h1 = np.tanh(np.dot(x, W1) + b1)
    h2 = np.tanh(np.dot(h1, W2) + b2)
    out = np.dot(h2, W3) + b3
    err = out - y
    loss = 0.5 * np.sum(err**2) / n

    # backward
    grad = lambda a, d: (np.dot(a.T, d), np.mean(d, axis=0))
    d3 = err / n
    dW3, db3 = grad(h2, d3)
    d2 = np.dot(d3, W3.T) * (1 - h2**2)
    dW2, db2 = grad(h1, d2)
    d1 = np.dot(d2, W2.T) * (1 - h1**2)
    dW1, db1 = grad(x, d1)
    return loss, {
        "dense_1.kernel": dW1,
        "dense_1.bias": db1,
        "dense_2.kernel": dW2,
        "dense_2.bias": db2,
        "dense_3.kernel": dW3,
        "dense_3.bias": db3,
    }
