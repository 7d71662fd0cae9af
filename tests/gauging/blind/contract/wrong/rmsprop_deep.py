import numpy as np

NETWORK = {
    "sizes": [20, 16, 12, 10, 4],
    "activations": ["relu", "relu", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 1e-4,
    "optimizer": {"name": "rmsprop", "learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7},
}
TRUTH = (
    "rmsprop: the running square is never decayed - the old value is added whole in place of rho times the old value, "
    "which lets it grow like Adagrad's. It should be rho*s + (1-rho)*g**2."
)

K = "dense_{}.kernel".format
B = "dense_{}.bias".format


def relu(v):
    return np.clip(v, 0, None)


def loss_and_gradients(parameters, x, y):
    P = parameters
    n_layers = len(NETWORK["sizes"]) - 1
    hs = [x]
    for i in range(1, n_layers + 1):
        pre = hs[-1] @ P[K(i)] + P[B(i)]
        kind = NETWORK["activations"][i - 1]
        if kind == "relu":
            hs.append(relu(pre))
        elif kind == "tanh":
            hs.append(np.tanh(pre))
        else:
            pre = pre - pre.max(axis=1, keepdims=True)
            ex = np.exp(pre)
            hs.append(ex / ex.sum(axis=1, keepdims=True))
    prob = hs[-1]
    loss = -np.log(np.maximum((prob * y).sum(axis=1), 1e-300)).mean()
    loss += sum(0.5 * NETWORK["l2"] * (P[K(i)] ** 2).sum() for i in range(1, n_layers + 1))

    g = {}
    d = (prob - y) / len(y)
    for i in range(n_layers, 0, -1):
        g[K(i)] = hs[i - 1].T @ d + NETWORK["l2"] * P[K(i)]
        g[B(i)] = d.sum(axis=0)
        if i == 1:
            break
        d = d @ P[K(i)].T
        if NETWORK["activations"][i - 2] == "relu":
            d[hs[i - 1] <= 0] = 0
        else:
            d *= 1 - hs[i - 1] ** 2
    return loss, g


def step(parameters, gradients, state):
    opt = NETWORK["optimizer"]
    rho = opt["rho"]
    out, st = {}, dict(state)
    st["step"] = st.get("step", 0) + 1
    for k, g in gradients.items():
        s = st.get("v." + k, np.zeros(g.shape))
        s = s + (1 - rho) * g**2
        st["v." + k] = s
        out[k] = parameters[k] - opt["learning_rate"] * g / (np.sqrt(s) + opt["epsilon"])
    return out, st
