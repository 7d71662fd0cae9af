import numpy as np

NETWORK = {
    "sizes": [5, 9, 4, 3],
    "activations": ["tanh", "sigmoid", "sigmoid"],
    "loss": "binary_crossentropy",
    "optimizer": {"name": "rmsprop", "learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-6},
}
TRUTH = (
    "wrong, three: (1) in layer 2 the bias is added twice (both sides of a merge kept: once in affine(), once after it); the extra h2 += b2 must go; "
    "(2) the loss has only the term -y log p, the term -(1-y) log(1-p) of the binary cross-entropy is missing (gradient has it); "
    "(3) step divides by v + eps without the square root."
)


def affine(a, w, b):
    return a @ w + b


def logistic(z):
    return np.exp(-np.logaddexp(0, -z))


def loss_and_gradients(parameters, x, y):
    w1, b1 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    w2, b2 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    w3, b3 = parameters["dense_3.kernel"], parameters["dense_3.bias"]
    n = y.shape[0]

    h1 = affine(x, w1, b1)
    o1 = np.tanh(h1)
    h2 = affine(o1, w2, b2)
    h2 += b2
    o2 = logistic(h2)
    h3 = affine(o2, w3, b3)
    o3 = logistic(h3)

    log_p = -np.logaddexp(0, -h3)
    log_q = -np.logaddexp(0, h3)
    loss = -np.sum(y * log_p) / n

    e3 = (o3 - y) / n
    e2 = (e3 @ w3.T) * o2 * (1 - o2)
    e1 = (e2 @ w2.T) * (1 - o1 * o1)
    return loss, {
        "dense_3.kernel": o2.T @ e3,
        "dense_3.bias": e3.sum(axis=0),
        "dense_2.kernel": o1.T @ e2,
        "dense_2.bias": e2.sum(axis=0),
        "dense_1.kernel": x.T @ e1,
        "dense_1.bias": e1.sum(axis=0),
    }


def step(parameters, gradients, state):
    opt = NETWORK["optimizer"]
    out, st = {}, {"step": state.get("step", 0) + 1}
    for k in parameters:
        cache = (
            opt["rho"] * state.get("v." + k, np.zeros_like(parameters[k]))
            + (1 - opt["rho"]) * gradients[k] ** 2
        )
        st["v." + k] = cache
        out[k] = parameters[k] - opt["learning_rate"] * gradients[k] / (cache + opt["epsilon"])
    return out, st
