import numpy as np

NETWORK = {
    "sizes": [10, 8, 8, 3],
    "activations": ["relu", "relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.0,
    "optimizer": {"name": "sgd", "learning_rate": 0.01},
}
TRUTH = (
    "Numerics: softmax exponentiates the raw logits without subtracting the row maximum; logits above about 709 overflow to inf/inf = nan "
    "in loss and gradients (relu layers with unscaled inputs get there). It should subtract z.max(axis=1, keepdims=True). "
    "For small logits everything is right."
)


def affine(a, W, b):
    return a @ W + b


def stable_log(p):
    return np.log(np.maximum(p, 1e-300))


def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def loss_and_gradients(parameters, x, y):
    (W1, b1), (W2, b2), (W3, b3) = [
        (parameters[f"dense_{i}.kernel"], parameters[f"dense_{i}.bias"]) for i in (1, 2, 3)
    ]
    h1 = np.maximum(affine(x, W1, b1), 0)
    h2 = np.maximum(affine(h1, W2, b2), 0)
    probs = softmax(affine(h2, W3, b3))
    loss = -np.mean(np.sum(y * stable_log(probs), axis=1))

    dz3 = (probs - y) / y.shape[0]
    dh2 = dz3 @ W3.T
    dz2 = np.where(h2 > 0, dh2, 0)
    dh1 = dz2 @ W2.T
    dz1 = np.where(h1 > 0, dh1, 0)
    return loss, {
        "dense_3.kernel": h2.T @ dz3,
        "dense_3.bias": dz3.sum(axis=0),
        "dense_2.kernel": h1.T @ dz2,
        "dense_2.bias": dz2.sum(axis=0),
        "dense_1.kernel": x.T @ dz1,
        "dense_1.bias": dz1.sum(axis=0),
    }
