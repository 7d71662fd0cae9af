import numpy as np

NETWORK = {
    "sizes": [11, 9, 6],
    "activations": ["sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.01,
    "optimizer": {"name": "sgd", "learning_rate": 0.5},
}
TRUTH = (
    "1) logsumexp returns log(sum(exp(z - max))) without adding the maximum back, so the loss is too low by the row maximum; the gradient is computed "
    "from a softmax of its own and unaffected. 2) The penalty's gradient is l2*sign(W), that of an L1 penalty; it should be l2*W."
)


def logsumexp(z):
    top = np.max(z, axis=1)
    return np.log(np.sum(np.exp(z - top[:, None]), axis=1))


def softmax(z):
    e = np.exp(z - z.max(axis=1)[:, None])
    return e / e.sum(axis=1)[:, None]


def regularizer(W, lam):
    """value and gradient"""
    return 0.5 * lam * np.sum(W * W), lam * np.sign(W)


def loss_and_gradients(parameters, x, y):
    W1, b1 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    W2, b2 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    h = 0.5 * (np.tanh((x @ W1 + b1) / 2) + 1)
    z = h @ W2 + b2
    loss = np.mean(logsumexp(z) - np.sum(z * y, axis=1))
    r1, dr1 = regularizer(W1, NETWORK["l2"])
    r2, dr2 = regularizer(W2, NETWORK["l2"])

    dz = (softmax(z) - y) / x.shape[0]
    dh = dz @ W2.T
    ds = dh * h * (1 - h)
    return loss + r1 + r2, {
        "dense_1.kernel": x.T @ ds + dr1,
        "dense_1.bias": ds.sum(axis=0),
        "dense_2.kernel": h.T @ dz + dr2,
        "dense_2.bias": dz.sum(axis=0),
    }
