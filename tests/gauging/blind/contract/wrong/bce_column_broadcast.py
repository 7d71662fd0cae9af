import numpy as np

NETWORK = {
    "sizes": [8, 12, 6, 1],
    "activations": ["leaky_relu", "leaky_relu", "sigmoid"],
    "leaky_slope": 0.1,
    "loss": "binary_crossentropy",
}
TRUTH = (
    "wrong: in bce() the logits are flattened to (n,) while y stays (n, 1), so the products broadcast to an (n, n) matrix and the "
    "loss mixes every label with every prediction (its mean over all n*n). y must be flattened too. The gradients are right."
)

EPS = 1e-12


def _sig(z):
    out = np.empty_like(z)
    pos = z >= 0
    out[pos] = 1.0 / (1.0 + np.exp(-z[pos]))
    ez = np.exp(z[~pos])
    out[~pos] = ez / (1.0 + ez)
    return out


def bce(y, prob):
    prob = np.clip(prob, EPS, 1 - EPS).ravel()
    return -np.mean(y * np.log(prob) + (1 - y) * np.log(1 - prob))


def loss_and_gradients(parameters, x, y):
    slope = NETWORK["leaky_slope"]
    a, stack = x, []
    depth = len(NETWORK["sizes"]) - 1
    for k in range(1, depth + 1):
        z = a @ parameters[f"dense_{k}.kernel"] + parameters[f"dense_{k}.bias"]
        stack.append((k, a, z))
        a = _sig(z) if k == depth else np.where(z > 0, z, slope * z)
    loss = bce(y, a)
    delta = (a - y) / y.shape[0]
    grads = {}
    while stack:
        k, a, z = stack.pop()
        if k < depth:
            delta = delta * np.where(z > 0, 1.0, slope)
        grads[f"dense_{k}.kernel"] = a.T @ delta
        grads[f"dense_{k}.bias"] = delta.sum(axis=0)
        delta = delta @ parameters[f"dense_{k}.kernel"].T
    return loss, grads
