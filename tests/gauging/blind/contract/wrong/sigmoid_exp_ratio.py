import numpy as np

NETWORK = {
    "sizes": [5, 7, 3],
    "activations": ["sigmoid", "tanh"],
    "loss": "mean_squared_error",
    "loss_note": "half",
}
TRUTH = (
    "wrong: sigmoid is exp(z) / (1 + exp(z)), which gives inf/inf = nan for z above about 709; should be evaluated with exp(-|z|) "
    "(or 1 / (1 + exp(-z)))."
)


def sigmoid(z):
    e = np.exp(z)
    return e / (1 + e)


def loss_and_gradients(parameters, x, y):
    u = sigmoid(x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"])
    v = np.tanh(u @ parameters["dense_2.kernel"] + parameters["dense_2.bias"])
    n = x.shape[0]
    dv = (v - y) / n * (1 - v**2)
    du = dv @ parameters["dense_2.kernel"].T * u * (1 - u)
    grads = {
        "dense_1.kernel": x.T @ du,
        "dense_2.kernel": u.T @ dv,
        "dense_1.bias": du.sum(0),
        "dense_2.bias": dv.sum(0),
    }
    return np.linalg.norm(v - y) ** 2 / n / 2, grads
