import numpy as np

NETWORK = {
    "sizes": [6, 8, 8, 3],
    "activations": ["leaky_relu", "leaky_relu", "softmax"],
    "leaky_slope": 0.01,
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {
        "name": "adamw",
        "learning_rate": 0.002,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.05,
        "note": "decoupled decay, kernels only: w -= lr * weight_decay * w_before",
    },
}
TRUTH = (
    "step() adds weight_decay * w to the gradient before the moments are formed (Adam with L2 penalty) rather than decaying decoupled: "
    "w -= lr*weight_decay*w beside the Adam update, the moments seeing only the gradient."
)


def loss_and_gradients(parameters, x, y):
    W = [parameters[f"dense_{i}.kernel"] for i in (1, 2, 3)]
    b = [parameters[f"dense_{i}.bias"] for i in (1, 2, 3)]
    acts, masks = [x], []
    for l in range(2):
        z = np.einsum("ni,ij->nj", acts[-1], W[l]) + b[l]
        masks.append(np.where(z > 0, 1.0, NETWORK["leaky_slope"]))
        acts.append(masks[-1] * z)
    z = np.einsum("ni,ij->nj", acts[-1], W[2]) + b[2]
    top = z.max(axis=1)
    lse = top + np.log(np.einsum("nj->n", np.exp(z - top[:, None])))
    loss = np.mean(lse - np.einsum("nj,nj->n", z, y))
    delta = (np.exp(z - lse[:, None]) - y) / len(x)
    grads = {}
    for l in (2, 1, 0):
        grads[f"dense_{l + 1}.kernel"] = np.einsum("ni,nj->ij", acts[l], delta)
        grads[f"dense_{l + 1}.bias"] = np.einsum("nj->j", delta)
        if l:
            delta = np.einsum("nj,ij,ni->ni", delta, W[l], masks[l - 1])
    return loss, grads


def step(parameters, gradients, state):
    cfg = NETWORK["optimizer"]
    lr, b1, b2, eps, wd = (
        cfg[k] for k in ("learning_rate", "beta_1", "beta_2", "epsilon", "weight_decay")
    )
    state = dict(state)
    t = state["step"] = state.get("step", 0) + 1
    updated = {}
    for k, w in parameters.items():
        g = gradients[k]
        if k.endswith("kernel"):
            g = g + wd * w
        m = state["m." + k] = b1 * state.get("m." + k, np.zeros_like(w)) + (1 - b1) * g
        v = state["v." + k] = b2 * state.get("v." + k, np.zeros_like(w)) + (1 - b2) * g * g
        updated[k] = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return updated, state
