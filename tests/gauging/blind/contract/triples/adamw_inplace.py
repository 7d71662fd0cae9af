import numpy as np

NETWORK = {
    "sizes": [7, 6, 5, 4],
    "activations": ["tanh", "leaky_relu", "softmax"],
    "leaky_slope": 0.01,
    "loss": "categorical_crossentropy",
    "l2": 0.01,
    "optimizer": {
        "name": "adamw",
        "learning_rate": 0.01,
        "beta_1": 0.9,
        "beta_2": 0.99,
        "epsilon": 1e-8,
        "weight_decay": 0.1,
        "note": "decoupled decay, kernels only: w -= lr * weight_decay * w_before; constant learning rate",
    },
}
TRUTH = (
    "1) The kernel gradients start as the caller's kernels themselves (no copy) and are scaled and added to in place: loss_and_gradients overwrites the "
    "parameters with their gradients. It should start from a new array, l2 * W. "
    "2) step() decays the biases too; only kernels should decay. "
    "3) step() shrinks the learning rate by 1/(1 + 0.01*steps done), a schedule which the network does not state; it should be constant."
)


def loss_and_gradients(parameters, x, y):
    names = NETWORK["activations"]
    hs, zs = [x], []
    for i, name in enumerate(names, 1):
        z = hs[-1] @ parameters[f"dense_{i}.kernel"] + parameters[f"dense_{i}.bias"]
        zs.append(z)
        if name == "tanh":
            hs.append(np.tanh(z))
        elif name == "leaky_relu":
            hs.append(np.where(z > 0, z, NETWORK["leaky_slope"] * z))
    z = zs[-1] - zs[-1].max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    loss = -(y * logp).sum() / len(x)
    loss += sum(
        NETWORK["l2"] / 2 * (w * w).sum() for k, w in parameters.items() if k.endswith("kernel")
    )

    grads = {}
    delta = (np.exp(logp) - y) / len(x)
    for i in (3, 2, 1):
        W = parameters[f"dense_{i}.kernel"]
        passed_on = delta @ W.T
        g = W  # the penalty first, the data term on top
        g *= NETWORK["l2"]
        g += hs[i - 1].T @ delta
        grads[f"dense_{i}.kernel"] = g
        grads[f"dense_{i}.bias"] = delta.sum(axis=0)
        if i == 3:
            delta = passed_on * np.where(zs[1] > 0, 1.0, NETWORK["leaky_slope"])
        elif i == 2:
            delta = passed_on * (1 - hs[1] ** 2)
    return loss, grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    done = state.get("step", 0)
    lr = o["learning_rate"] / (1 + 0.01 * done)
    t = done + 1
    new, s = {}, {"step": t}
    for k, w in parameters.items():
        g = gradients[k]
        m = s["m." + k] = (
            o["beta_1"] * state.get("m." + k, np.zeros_like(w)) + (1 - o["beta_1"]) * g
        )
        v = s["v." + k] = (
            o["beta_2"] * state.get("v." + k, np.zeros_like(w)) + (1 - o["beta_2"]) * g * g
        )
        update = (m / (1 - o["beta_1"] ** t)) / (np.sqrt(v / (1 - o["beta_2"] ** t)) + o["epsilon"])
        update += o["weight_decay"] * w
        new[k] = w - lr * update
    return new, s
