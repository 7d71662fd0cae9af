import numpy as np

NETWORK = {
    "sizes": [4, 8, 5, 2],
    "activations": ["relu", "tanh", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.02,
    "optimizer": {
        "name": "adamw",
        "learning_rate": 0.005,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.01,
        "note": "w -= lr * weight_decay * w_before, kernels only",
    },
}
MICRO = 5
TRUTH = (
    "wrong, three: (1) the micro-batches are averaged with equal weight (sum of their means / number of micro-batches), so a shorter last one counts "
    "too much; each must be weighted with its share len(chunk)/n; (2) the l2 term runs over all parameters, biases too, in loss and gradient; "
    "kernels only; (3) step subtracts weight_decay * w without the factor lr."
)


def _forward_backward(P, x, y):
    z1 = x @ P["dense_1.kernel"] + P["dense_1.bias"]
    a1 = np.maximum(z1, 0)
    a2 = np.tanh(a1 @ P["dense_2.kernel"] + P["dense_2.bias"])
    z3 = a2 @ P["dense_3.kernel"] + P["dense_3.bias"]
    loss = (np.logaddexp(0, z3) - y * z3).sum(axis=1).mean()
    d3 = (np.exp(-np.logaddexp(0, -z3)) - y) / len(x)
    d2 = d3 @ P["dense_3.kernel"].T * (1 - a2**2)
    d1 = d2 @ P["dense_2.kernel"].T * (z1 > 0)
    return loss, {
        "dense_1.kernel": x.T @ d1,
        "dense_1.bias": d1.sum(0),
        "dense_2.kernel": a1.T @ d2,
        "dense_2.bias": d2.sum(0),
        "dense_3.kernel": a2.T @ d3,
        "dense_3.bias": d3.sum(0),
    }


def loss_and_gradients(parameters, x, y):
    starts = range(0, len(x), MICRO)
    loss, grads = 0.0, dict.fromkeys(parameters, 0.0)
    for s in starts:
        xb, yb = x[s : s + MICRO], y[s : s + MICRO]
        weight = 1 / len(starts)
        l, g = _forward_backward(parameters, xb, yb)
        loss += weight * l
        grads = {k: grads[k] + weight * g[k] for k in grads}
    for k, w in parameters.items():
        loss += 0.5 * NETWORK["l2"] * (w**2).sum()
        grads[k] = grads[k] + NETWORK["l2"] * w
    return loss, grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    t = state.get("step", 0) + 1
    st = {"step": t}
    new = {}
    for k, w in parameters.items():
        m = o["beta_1"] * state.get("m." + k, 0.0) + (1 - o["beta_1"]) * gradients[k]
        v = o["beta_2"] * state.get("v." + k, 0.0) + (1 - o["beta_2"]) * gradients[k] ** 2
        st.update({"m." + k: m, "v." + k: v})
        w_new = w - o["learning_rate"] * (m / (1 - o["beta_1"] ** t)) / (
            np.sqrt(v / (1 - o["beta_2"] ** t)) + o["epsilon"]
        )
        if k.endswith(".kernel"):
            w_new = w_new - o["weight_decay"] * w
        new[k] = w_new
    return new, st
