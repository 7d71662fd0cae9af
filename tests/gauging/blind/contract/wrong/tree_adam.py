"""Functional style: every step maps functions over the dict of parameters."""

import numpy as np

NETWORK = {
    "sizes": [5, 6, 4, 1],
    "activations": ["tanh", "relu", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.001,
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.003,
        "beta_1": 0.9,
        "beta_2": 0.99,
        "epsilon": 1e-8,
    },
}
TRUTH = (
    "Adam's second moment is an average of the squared first moment (m**2) rather than of the squared gradient: "
    "in step() the map that makes v is given m in place of the gradients. It should be b2*v + (1-b2)*g**2."
)


def tree_map(f, *trees):
    return {k: f(*(t[k] for t in trees)) for k in trees[0]}


def slots(state, prefix, like):
    return {k: state.get(f"{prefix}.{k}", np.zeros_like(w)) for k, w in like.items()}


def apply_net(p, x):
    h1 = np.tanh(x @ p["dense_1.kernel"] + p["dense_1.bias"])
    z2 = h1 @ p["dense_2.kernel"] + p["dense_2.bias"]
    h2 = np.maximum(z2, 0.0)
    return (x, h1, h2), z2, h2 @ p["dense_3.kernel"] + p["dense_3.bias"]


def loss_and_gradients(parameters, x, y):
    p, n = parameters, x.shape[0]
    ins, z2, logit = apply_net(p, x)
    data = np.sum(np.logaddexp(0.0, logit) - y * logit) / n
    reg = sum(np.vdot(w, w) for k, w in p.items() if k.endswith(".kernel"))
    d3 = (1.0 / (1.0 + np.exp(-logit)) - y) / n
    d2 = (d3 @ p["dense_3.kernel"].T) * np.heaviside(z2, 0.0)
    d1 = (d2 @ p["dense_2.kernel"].T) * (1.0 - ins[1] ** 2)
    g = {}
    for i, (a, d) in enumerate(zip(ins, (d1, d2, d3)), 1):
        g[f"dense_{i}.kernel"] = a.T @ d + NETWORK["l2"] * p[f"dense_{i}.kernel"]
        g[f"dense_{i}.bias"] = d.sum(axis=0)
    return data + 0.5 * NETWORK["l2"] * reg, g


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    b1, b2 = o["beta_1"], o["beta_2"]
    t = state.get("step", 0) + 1
    m = tree_map(lambda m, g: b1 * m + (1 - b1) * g, slots(state, "m", parameters), gradients)
    v = tree_map(lambda v, g: b2 * v + (1 - b2) * g**2, slots(state, "v", parameters), m)
    new = tree_map(
        lambda w, m, v: (
            w - o["learning_rate"] * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + o["epsilon"])
        ),
        parameters,
        m,
        v,
    )
    return new, {
        "step": t,
        **{"m." + k: a for k, a in m.items()},
        **{"v." + k: a for k, a in v.items()},
    }
