import numpy as np

NETWORK = {
    "sizes": [3, 5, 5, 2],
    "activations": ["sigmoid", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {
        "name": "nesterov",
        "learning_rate": 0.05,
        "momentum": 0.8,
        "note": "v = mu v - lr g; w += mu v - lr g, with the new v",
    },
}
TRUTH = (
    "wrong: step computes the look-ahead with the velocity from before the update (w += mu * v_old - lr g, i.e. plain momentum); "
    "it must use the new one: w += mu * v_new - lr g."
)

ACT = {
    "sigmoid": (lambda z: 0.5 + 0.5 * np.tanh(z / 2), lambda a: a - a * a),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "linear": (lambda z: z, lambda a: np.ones_like(a)),
}


def loss_and_gradients(parameters, x, y):
    names = NETWORK["activations"]
    outs = [x]
    for i, nm in enumerate(names):
        outs.append(
            ACT[nm][0](
                outs[i].dot(parameters[f"dense_{i + 1}.kernel"]) + parameters[f"dense_{i + 1}.bias"]
            )
        )
    err = outs[-1] - y
    g = {}
    back = err / len(x)
    for i in range(len(names) - 1, -1, -1):
        back = back * ACT[names[i]][1](outs[i + 1])
        g[f"dense_{i + 1}.kernel"] = outs[i].T.dot(back)
        g[f"dense_{i + 1}.bias"] = back.sum(axis=0)
        back = back.dot(parameters[f"dense_{i + 1}.kernel"].T)
    return float((err**2).sum()) / len(x) / 2, g


def step(parameters, gradients, state):
    opt = NETWORK["optimizer"]
    mu, lr = opt["momentum"], opt["learning_rate"]
    v_all = {k: state.get("v." + k, np.zeros(w.shape)) for k, w in parameters.items()}
    out = {"step": state.get("step", 0) + 1}
    new = {}
    for k, w in parameters.items():
        v = v_all[k]
        out["v." + k] = mu * v - lr * gradients[k]
        new[k] = w + mu * v - lr * gradients[k]
    return new, out
