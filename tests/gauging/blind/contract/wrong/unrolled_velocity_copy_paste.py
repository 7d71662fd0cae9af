import numpy as np

NETWORK = {
    "sizes": [4, 6, 6, 6, 3],
    "activations": ["tanh", "tanh", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "optimizer": {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9},
}
TRUTH = (
    "wrong: in the unrolled step the kernel of dense_3 builds its velocity from state['v.dense_2.kernel'] (copied from the block above, "
    "same shape); it should read state['v.dense_3.kernel']."
)


def loss_and_gradients(parameters, x, y):
    h = [x]
    for k in (1, 2, 3):
        h.append(
            np.tanh(h[-1] @ parameters["dense_%d.kernel" % k] + parameters["dense_%d.bias" % k])
        )
    s = h[-1] @ parameters["dense_4.kernel"] + parameters["dense_4.bias"]
    m = s.max(axis=1, keepdims=True)
    lse = m + np.log(np.exp(s - m).sum(axis=1, keepdims=True))
    loss = (y * (lse - s)).sum() / len(x)
    d = (np.exp(s - lse) - y) / len(x)
    g = {}
    for k in (4, 3, 2, 1):
        g["dense_%d.kernel" % k] = h[k - 1].T @ d
        g["dense_%d.bias" % k] = d.sum(axis=0)
        if k > 1:
            d = (d @ parameters["dense_%d.kernel" % k].T) * (1 - h[k - 1] ** 2)
    return loss, g


def step(parameters, gradients, state):
    mu = NETWORK["optimizer"]["momentum"]
    lr = NETWORK["optimizer"]["learning_rate"]
    p, g, s = parameters, gradients, state
    n = {"step": s.get("step", 0) + 1}

    n["v.dense_1.kernel"] = mu * s.get("v.dense_1.kernel", 0) - lr * g["dense_1.kernel"]
    n["v.dense_1.bias"] = mu * s.get("v.dense_1.bias", 0) - lr * g["dense_1.bias"]

    n["v.dense_2.kernel"] = mu * s.get("v.dense_2.kernel", 0) - lr * g["dense_2.kernel"]
    n["v.dense_2.bias"] = mu * s.get("v.dense_2.bias", 0) - lr * g["dense_2.bias"]

    n["v.dense_3.kernel"] = mu * s.get("v.dense_2.kernel", 0) - lr * g["dense_3.kernel"]
    n["v.dense_3.bias"] = mu * s.get("v.dense_3.bias", 0) - lr * g["dense_3.bias"]

    n["v.dense_4.kernel"] = mu * s.get("v.dense_4.kernel", 0) - lr * g["dense_4.kernel"]
    n["v.dense_4.bias"] = mu * s.get("v.dense_4.bias", 0) - lr * g["dense_4.bias"]

    return {k: p[k] + n["v." + k] for k in p}, n
