import numpy as np

NETWORK = {
    "sizes": [4, 6, 6, 1],
    "activations": ["relu", "tanh", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.01,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "The penalty's gradient l2*W is added inside the loop over the samples, and only the data term is divided by n: "
    "the kernels get n times the penalty's gradient. It should be added once, outside the sample loop (the loss has it once)."
)


def loss_and_gradients(parameters, x, y):
    n = x.shape[0]
    lam = NETWORK["l2"]
    total = 0.0
    grads = {k: np.zeros(v.shape) for k, v in parameters.items()}
    W = [parameters["dense_%d.kernel" % i] for i in range(1, 4)]
    b = [parameters["dense_%d.bias" % i] for i in range(1, 4)]
    for s in range(n):
        # forward for one sample
        a0 = x[s]
        z1 = W[0].T @ a0 + b[0]
        a1 = np.where(z1 > 0, z1, 0.0)
        z2 = W[1].T @ a1 + b[1]
        a2 = np.tanh(z2)
        z3 = W[2].T @ a2 + b[2]
        total += float(np.sum(np.maximum(z3, 0) - z3 * y[s] + np.log1p(np.exp(-np.abs(z3)))))
        # backward for one sample
        d3 = 0.5 * (1 + np.tanh(z3 / 2)) - y[s]
        d2 = (W[2] @ d3) * (1 - a2**2)
        d1 = (W[1] @ d2) * (z1 > 0)
        for i, (a, d) in enumerate([(a0, d1), (a1, d2), (a2, d3)], start=1):
            grads["dense_%d.kernel" % i] += np.outer(a, d) / n + lam * W[i - 1]
            grads["dense_%d.bias" % i] += d / n
    loss = total / n + lam / 2 * sum(np.sum(w * w) for w in W)
    return loss, grads
