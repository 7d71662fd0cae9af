import numpy as np

NETWORK = {
    "sizes": [5, 9, 9, 4],
    "activations": ["relu", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.002,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    },
}
TRUTH = (
    "wrong: in step the counter t is incremented inside the loop over the parameters, so every parameter gets another t (only the very "
    "first of the first call is right) in the bias correction and the stored step grows by the number of parameters per call. t += 1 belongs before the loop."
)


def loss_and_gradients(parameters, x, y):
    p = parameters
    a0 = x
    z1 = a0 @ p["dense_1.kernel"] + p["dense_1.bias"]
    a1 = np.maximum(0, z1)
    z2 = a1 @ p["dense_2.kernel"] + p["dense_2.bias"]
    a2 = np.tanh(z2)
    z3 = a2 @ p["dense_3.kernel"] + p["dense_3.bias"]
    z3 = z3 - z3.max(axis=1)[:, None]
    a3 = np.exp(z3) / np.exp(z3).sum(axis=1)[:, None]
    loss = -np.mean(np.sum(y * np.log(a3 + 1e-300), axis=1))
    d3 = (a3 - y) / x.shape[0]
    d2 = d3 @ p["dense_3.kernel"].T * (1 - a2**2)
    d1 = d2 @ p["dense_2.kernel"].T
    d1[z1 <= 0] = 0
    return loss, {
        "dense_1.kernel": a0.T @ d1,
        "dense_1.bias": d1.sum(axis=0),
        "dense_2.kernel": a1.T @ d2,
        "dense_2.bias": d2.sum(axis=0),
        "dense_3.kernel": a2.T @ d3,
        "dense_3.bias": d3.sum(axis=0),
    }


def step(parameters, gradients, state):
    cfg = NETWORK["optimizer"]
    lr, b1, b2, eps = cfg["learning_rate"], cfg["beta_1"], cfg["beta_2"], cfg["epsilon"]
    t = state.get("step", 0)
    params, state = dict(parameters), dict(state)
    for key in params:
        t += 1
        g = gradients[key]
        m = b1 * state.get("m." + key, 0.0) + (1 - b1) * g
        v = b2 * state.get("v." + key, 0.0) + (1 - b2) * g * g
        m_hat = m / (1 - b1**t)
        v_hat = v / (1 - b2**t)
        params[key] = params[key] - lr * m_hat / (np.sqrt(v_hat) + eps)
        state["m." + key], state["v." + key] = m, v
    state["step"] = t
    return params, state
