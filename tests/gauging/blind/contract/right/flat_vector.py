"""All parameters in one flat vector with views into it; the optimizer sees only the vector."""

import numpy as np

NETWORK = {
    "sizes": [5, 8, 6, 3],
    "activations": ["leaky_relu", "tanh", "linear"],
    "leaky_slope": 0.2,
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) sum of squares",
    "l2": 0.01,
    "optimizer": {
        "name": "nesterov",
        "learning_rate": 0.02,
        "momentum": 0.9,
        "note": "v = mu*v - lr*g; w += mu*v - lr*g",
    },
}
TRUTH = "right"

NAMES = [
    f"dense_{i}.{part}" for i in range(1, len(NETWORK["sizes"])) for part in ("kernel", "bias")
]


def pack(d):
    return np.concatenate([np.ravel(d[k]) for k in NAMES])


def views(vector):
    out, pos = {}, 0
    S = NETWORK["sizes"]
    for k in NAMES:
        i = int(k.split(".")[0].split("_")[1])
        shape = (S[i - 1], S[i]) if k.endswith("kernel") else (S[i],)
        size = int(np.prod(shape))
        out[k] = vector[pos : pos + size].reshape(shape)
        pos += size
    return out


IS_KERNEL = pack(
    {
        k: np.full(v.shape, float(k.endswith("kernel")))
        for k, v in views(
            np.zeros(sum((a + 1) * b for a, b in zip(NETWORK["sizes"], NETWORK["sizes"][1:])))
        ).items()
    }
)


def loss_and_gradients(parameters, x, y):
    theta = pack(parameters)
    p, c, n = views(theta), NETWORK["leaky_slope"], len(x)
    gvec = np.multiply(NETWORK["l2"] * IS_KERNEL, theta)
    g = views(gvec)  # writing into g writes into gvec

    z1 = x @ p["dense_1.kernel"] + p["dense_1.bias"]
    f1 = c + (1 - c) * (z1 > 0)
    a1 = f1 * z1
    a2 = np.tanh(a1 @ p["dense_2.kernel"] + p["dense_2.bias"])
    e = a2 @ p["dense_3.kernel"] + p["dense_3.bias"] - y
    loss = np.vdot(e, e) / (2 * n) + NETWORK["l2"] / 2 * np.dot(IS_KERNEL * theta, theta)

    e /= n
    g["dense_3.kernel"] += a2.T @ e
    g["dense_3.bias"] += e.sum(axis=0)
    e = e @ p["dense_3.kernel"].T
    e *= 1 - a2**2
    g["dense_2.kernel"] += a1.T @ e
    g["dense_2.bias"] += e.sum(axis=0)
    e = e @ p["dense_2.kernel"].T
    e *= f1
    g["dense_1.kernel"] += x.T @ e
    g["dense_1.bias"] += e.sum(axis=0)
    return float(loss), views(gvec)


def step(parameters, gradients, state):
    mu, lr = NETWORK["optimizer"]["momentum"], NETWORK["optimizer"]["learning_rate"]
    zero = {k: np.zeros_like(w) for k, w in parameters.items()}
    v_old = pack({k: state.get("v." + k, zero[k]) for k in NAMES})
    v_new = mu * v_old - lr * pack(gradients)
    # the parameters kept are those after the look-ahead: take it back, move, look ahead again
    theta = pack(parameters) - mu * v_old + v_new + mu * v_new
    slots = {"v." + k: a for k, a in views(v_new).items()}
    return views(theta), {**slots, "step": state.get("step", 0) + 1}
