"""Bias as the first row of Theta, as in an old machine learning course; inputs get a leading one."""

import numpy as np

NETWORK = {
    "sizes": [8, 6, 5, 4],
    "activations": ["sigmoid", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.02,
    "optimizer": {"name": "rmsprop", "learning_rate": 0.002, "rho": 0.9, "epsilon": 1e-6},
}
TRUTH = (
    "1) Carrying delta back through Theta, the last column is cut off rather than the first, though the bias unit comes first: each unit gets its "
    "neighbour's (or the bias unit's) error. It should be [:, 1:]. 2) rmsprop divides by the running mean square itself; it should divide by its square root plus epsilon."
)


def with_one(A):
    return np.c_[np.ones(len(A)), A]


def g(z):
    return 1 / (1 + np.exp(-z))


def loss_and_gradients(parameters, x, y):
    m, lam = len(x), NETWORK["l2"]
    Theta = [
        np.r_[parameters[f"dense_{i}.bias"][None, :], parameters[f"dense_{i}.kernel"]].T
        for i in (1, 2, 3)
    ]
    a1 = with_one(x)
    a2 = with_one(g(a1 @ Theta[0].T))
    a3 = with_one(g(a2 @ Theta[1].T))
    z4 = a3 @ Theta[2].T
    e = np.exp(z4 - z4.max(axis=1, keepdims=True))
    h = e / e.sum(axis=1, keepdims=True)
    J = -np.sum(y * np.log(h + 1e-300)) / m + lam / 2 * sum(np.sum(T[:, 1:] ** 2) for T in Theta)

    def hidden_delta(delta, T, a):
        back = delta @ T
        s = a[:, 1:]
        return back[:, :-1] * s * (1 - s)

    d4 = h - y
    d3 = hidden_delta(d4, Theta[2], a3)
    d2 = hidden_delta(d3, Theta[1], a2)
    grads = {}
    for i, (d, a, T) in enumerate([(d2, a1, Theta[0]), (d3, a2, Theta[1]), (d4, a3, Theta[2])], 1):
        G = d.T @ a / m
        G[:, 1:] += lam * T[:, 1:]
        grads[f"dense_{i}.kernel"] = G[:, 1:].T
        grads[f"dense_{i}.bias"] = G[:, 0]
    return J, grads


def step(parameters, gradients, state):
    cfg = NETWORK["optimizer"]
    state = dict(state, step=state.get("step", 0) + 1)
    new = {}
    for k, theta in parameters.items():
        grad = gradients[k]
        sq = cfg["rho"] * state.get(f"v.{k}", np.zeros_like(theta)) + (1 - cfg["rho"]) * grad * grad
        state[f"v.{k}"] = sq
        new[k] = theta - cfg["learning_rate"] / (sq + cfg["epsilon"]) * grad
    return new, state
