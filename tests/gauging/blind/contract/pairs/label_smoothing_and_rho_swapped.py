import numpy as np

NETWORK = {
    "sizes": [8, 6, 4],
    "activations": ["sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.001,
    "optimizer": {"name": "rmsprop", "learning_rate": 0.003, "rho": 0.95, "epsilon": 1e-7},
}
TRUTH = (
    "wrong, two: (1) the targets are label-smoothed by 0.1 at the top of loss_and_gradients, which the stated loss does not have; y must be used as "
    "given; (2) step has the roles of rho and 1 - rho exchanged: v = (1 - rho) v + rho g^2; should be rho v + (1 - rho) g^2."
)


def _log_softmax(s):
    top = np.amax(s, axis=1, keepdims=True)
    return s - top - np.log(np.sum(np.exp(s - top), axis=1, keepdims=True))


def loss_and_gradients(parameters, x, y, smoothing=0.1):
    n, classes = y.shape
    t = y * (1.0 - smoothing) + smoothing / classes
    w1, w2 = parameters["dense_1.kernel"], parameters["dense_2.kernel"]
    h = 0.5 * np.tanh(0.5 * (x @ w1 + parameters["dense_1.bias"])) + 0.5
    ls = _log_softmax(h @ w2 + parameters["dense_2.bias"])
    wd = NETWORK["l2"]
    loss = -np.sum(t * ls) / n + 0.5 * wd * (np.sum(np.square(w1)) + np.sum(np.square(w2)))
    ds = (np.exp(ls) - t) / n
    dh = ds @ w2.T
    da = dh * h * (1 - h)
    return loss, {
        "dense_1.kernel": x.T @ da + wd * w1,
        "dense_1.bias": np.sum(da, axis=0),
        "dense_2.kernel": h.T @ ds + wd * w2,
        "dense_2.bias": np.sum(ds, axis=0),
    }


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    decay = 1 - o["rho"]
    p, s = {}, {"step": state.get("step", 0) + 1}
    for k in parameters:
        s["v." + k] = decay * state.get("v." + k, 0) + (1 - decay) * gradients[k] ** 2
        p[k] = (
            parameters[k]
            - o["learning_rate"] / (np.sqrt(s["v." + k]) + o["epsilon"]) * gradients[k]
        )
    return p, s
