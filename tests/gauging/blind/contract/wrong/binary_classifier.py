import numpy as np

NETWORK = {
    "sizes": [7, 6, 4, 1],
    "activations": ["relu", "relu", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.005,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "The loss is the categorical form applied to one output: only y*log(p); the term (1-y)*log(1-p) is missing, so negatives cost nothing. "
    "The gradient (p-y)/n is that of the full binary cross-entropy and is right."
)


def sigmoid(z):
    out = np.empty_like(z)
    pos = z >= 0
    out[pos] = 1 / (1 + np.exp(-z[pos]))
    ez = np.exp(z[~pos])
    out[~pos] = ez / (1 + ez)
    return out


def cross_entropy(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.sum(y * np.log(p)) / y.shape[0]


def forward_pass(parameters, x):
    trace = []
    a = x
    for idx, name in enumerate(NETWORK["activations"], 1):
        z = a @ parameters[f"dense_{idx}.kernel"] + parameters[f"dense_{idx}.bias"]
        trace.append((idx, a, z, name))
        a = sigmoid(z) if name == "sigmoid" else np.maximum(z, 0)
    return a, trace


def loss_and_gradients(parameters, x, y):
    p, trace = forward_pass(parameters, x)
    loss = cross_entropy(p, y)
    grads = {}
    upstream = None
    for idx, a, z, name in trace[::-1]:
        W = parameters[f"dense_{idx}.kernel"]
        dz = (p - y) / y.shape[0] if upstream is None else np.where(z > 0, upstream, 0)
        grads[f"dense_{idx}.kernel"] = a.T @ dz + NETWORK["l2"] * W
        grads[f"dense_{idx}.bias"] = dz.sum(axis=0)
        upstream = dz @ W.T
        loss = loss + NETWORK["l2"] / 2 * np.sum(W**2)
    return loss, grads
