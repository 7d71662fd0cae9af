import numpy as np

NETWORK = {
    "sizes": [4, 7, 5],
    "activations": ["relu", "softmax"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9},
}
TRUTH = (
    "wrong: the softmax backward sums g * s over axis 0 (the samples) and broadcasts it back over the rows unnoticed; "
    "the inner product must be taken per sample: (g * s).sum(axis=1, keepdims=True)."
)

softmax = lambda z: (lambda e: e / e.sum(axis=1, keepdims=True))(
    np.exp(z - z.max(axis=1, keepdims=True))
)


def softmax_vjp(s, g):
    # J^T g without building J:  s * (g - <g, s>)
    return s * (g - (g * s).sum(axis=0))


def loss_and_gradients(p, x, y):
    W1, b1, W2, b2 = (
        p[k] for k in ("dense_1.kernel", "dense_1.bias", "dense_2.kernel", "dense_2.bias")
    )
    z1 = x @ W1 + b1
    h = z1 * (z1 > 0)
    s = softmax(h @ W2 + b2)
    r = s - y
    loss = (r * r).sum() / (2 * len(x))
    dz2 = softmax_vjp(s, r / len(x))
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    return loss, {
        "dense_1.kernel": x.T @ dz1,
        "dense_1.bias": dz1.sum(0),
        "dense_2.kernel": h.T @ dz2,
        "dense_2.bias": dz2.sum(0),
    }


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    new, st = {}, {"step": state.get("step", 0) + 1}
    for k in parameters:
        v = (
            o["momentum"] * state.get("v." + k, np.zeros_like(parameters[k]))
            - o["learning_rate"] * gradients[k]
        )
        new[k] = parameters[k] + v
        st["v." + k] = v
    return new, st
