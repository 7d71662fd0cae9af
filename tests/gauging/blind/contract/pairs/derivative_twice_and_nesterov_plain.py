import numpy as np

NETWORK = {
    "sizes": [6, 5, 5, 1],
    "activations": ["sigmoid", "tanh", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.01,
    "optimizer": {"name": "nesterov", "learning_rate": 0.1, "momentum": 0.9},
}
TRUTH = (
    "wrong, two: (1) the first hidden layer's derivative a1*(1 - a1) is applied twice: once in backward_hidden and once more in "
    "loss_and_gradients (left over after the helper was introduced); the second must go; (2) step does w += v, which is plain momentum; "
    "Nesterov is w += mu * v - lr * g with the new v."
)

DIFF = {"sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a**2}


def sig(z):
    return 0.5 * (np.tanh(0.5 * z) + 1)


def backward_hidden(delta_above, kernel_above, a, kind):
    return delta_above @ kernel_above.T * DIFF[kind](a)


def loss_and_gradients(parameters, x, y):
    P, l2, n = parameters, NETWORK["l2"], len(x)
    a1 = sig(x @ P["dense_1.kernel"] + P["dense_1.bias"])
    a2 = np.tanh(a1 @ P["dense_2.kernel"] + P["dense_2.bias"])
    logit = a2 @ P["dense_3.kernel"] + P["dense_3.bias"]
    loss = (np.maximum(logit, 0) - logit * y + np.log1p(np.exp(-np.abs(logit)))).sum() / n

    d3 = (sig(logit) - y) / n
    d2 = backward_hidden(d3, P["dense_3.kernel"], a2, "tanh")
    d1 = backward_hidden(d2, P["dense_2.kernel"], a1, "sigmoid")
    d1 = d1 * a1 * (1 - a1)
    grads = {}
    for k, a, d in zip("123", (x, a1, a2), (d1, d2, d3)):
        W = P[f"dense_{k}.kernel"]
        loss = loss + 0.5 * l2 * np.sum(W**2)
        grads[f"dense_{k}.kernel"] = a.T @ d + l2 * W
        grads[f"dense_{k}.bias"] = d.sum(axis=0)
    return loss, grads


def step(parameters, gradients, state):
    mu, lr = NETWORK["optimizer"]["momentum"], NETWORK["optimizer"]["learning_rate"]
    state = dict(state)
    state["step"] = state.get("step", 0) + 1
    result = {}
    for k, w in parameters.items():
        g = gradients[k]
        v = mu * state.get("v." + k, np.zeros_like(w)) - lr * g
        state["v." + k] = v
        result[k] = w + v
    return result, state
