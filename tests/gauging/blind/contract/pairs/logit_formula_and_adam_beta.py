import numpy as np

NETWORK = {
    "sizes": [5, 6, 2],
    "activations": ["tanh", "sigmoid"],
    "loss": "binary_crossentropy",
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    },
}
TRUTH = (
    "wrong, two: (1) the loss from logits is max(z,0) - z*y + log1p(exp(-max(z,0))); the last term must be log1p(exp(-|z|)) (differs for z < 0; the "
    "gradient is right); (2) in step v is bias-corrected with 1 - beta_1**t (copied from the line above), should be 1 - beta_2**t."
)


def bce_with_logits(z, y):
    relu_z = np.maximum(z, 0)
    return np.sum(relu_z - z * y + np.log1p(np.exp(-relu_z)))


def loss_and_gradients(parameters, x, y):
    W1 = parameters["dense_1.kernel"]
    W2 = parameters["dense_2.kernel"]
    h = np.tanh(x @ W1 + parameters["dense_1.bias"])
    logits = h @ W2 + parameters["dense_2.bias"]
    n = x.shape[0]
    dlogits = (0.5 * (1 + np.tanh(logits / 2)) - y) / n
    dh = dlogits @ W2.T
    dpre = dh * (1 - h**2)
    return bce_with_logits(logits, y) / n, {
        "dense_1.kernel": x.T @ dpre,
        "dense_1.bias": dpre.sum(axis=0),
        "dense_2.kernel": h.T @ dlogits,
        "dense_2.bias": dlogits.sum(axis=0),
    }


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    t = state.get("step", 0) + 1
    out_p, out_s = {}, {"step": t}
    for name in parameters:
        g = gradients[name]
        m = o["beta_1"] * state.get("m." + name, np.zeros_like(g)) + (1 - o["beta_1"]) * g
        v = o["beta_2"] * state.get("v." + name, np.zeros_like(g)) + (1 - o["beta_2"]) * g**2
        m_hat = m / (1 - o["beta_1"] ** t)
        v_hat = v / (1 - o["beta_1"] ** t)
        out_p[name] = parameters[name] - o["learning_rate"] * m_hat / (
            np.sqrt(v_hat) + o["epsilon"]
        )
        out_s["m." + name] = m
        out_s["v." + name] = v
    return out_p, out_s
