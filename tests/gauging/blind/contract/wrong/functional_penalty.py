from functools import reduce
import numpy as np

NETWORK = {
    "sizes": [3, 5, 4, 2],
    "activations": ["tanh", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.05,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "The penalty in the loss is l2/2 times the Frobenius norm of each kernel, not its square (np.linalg.norm without **2). "
    "The gradient l2*W belongs to the squared norm and is right."
)


def kernels(p):
    return [p[k] for k in sorted(p) if k.endswith("kernel")]


def log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))


def penalty(p):
    return NETWORK["l2"] / 2 * sum(np.linalg.norm(w) for w in kernels(p))


def loss_and_gradients(parameters, x, y):
    n = len(x)

    def fwd(acc, i):
        a = acc[-1]
        return acc + [np.tanh(a @ parameters[f"dense_{i}.kernel"] + parameters[f"dense_{i}.bias"])]

    acts = reduce(fwd, (1, 2), [x])
    logp = log_softmax(acts[-1] @ parameters["dense_3.kernel"] + parameters["dense_3.bias"])
    loss = -np.sum(y * logp) / n + penalty(parameters)

    def bwd(carry, i):
        delta, g = carry
        a, W = acts[i - 1], parameters[f"dense_{i}.kernel"]
        g = {
            **g,
            f"dense_{i}.kernel": a.T @ delta + NETWORK["l2"] * W,
            f"dense_{i}.bias": delta.sum(0),
        }
        return (delta @ W.T) * (1 - a**2), g

    _, grads = reduce(bwd, (3, 2, 1), ((np.exp(logp) - y) / n, {}))
    return loss, grads
