import numpy as np

NETWORK = {
    "sizes": [7, 7, 7, 7, 3],
    "activations": ["relu", "relu", "relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 1e-3,
    "optimizer": {
        "name": "momentum",
        "learning_rate": 0.05,
        "momentum": 0.9,
        "note": "v = mu*v - lr*g; w += v",
    },
}
TRUTH = (
    "Kernel gradients of the hidden layers use the layer's own output cache['A'][l] in place of its input cache['A'][l-1] "
    "(possible because all widths are equal). The last layer's is right; the biases are right."
)


def forward(params, X, L):
    cache = {"A": [X], "Z": [None]}
    A = X
    for l in range(1, L + 1):
        Z = A.dot(params["dense_%d.kernel" % l]) + params["dense_%d.bias" % l]
        if l < L:
            A = np.maximum(Z, 0)
        else:
            E = np.exp(Z - np.max(Z, axis=1, keepdims=True))
            A = E / np.sum(E, axis=1, keepdims=True)
        cache["A"].append(A)
        cache["Z"].append(Z)
    return A, cache


def loss_and_gradients(parameters, x, y):
    L = len(NETWORK["activations"])
    lam = NETWORK["l2"]
    m = x.shape[0]
    AL, cache = forward(parameters, x, L)
    loss = -np.sum(y * np.log(AL + 1e-15)) / m
    for l in range(1, L + 1):
        loss += 0.5 * lam * np.sum(np.square(parameters["dense_%d.kernel" % l]))

    grads = {}
    dZ = (AL - y) / m
    grads["dense_%d.kernel" % L] = (
        cache["A"][L - 1].T.dot(dZ) + lam * parameters["dense_%d.kernel" % L]
    )
    grads["dense_%d.bias" % L] = dZ.sum(axis=0)
    for l in range(L - 1, 0, -1):
        dA = dZ.dot(parameters["dense_%d.kernel" % (l + 1)].T)
        dZ = dA * (cache["Z"][l] > 0)
        grads["dense_%d.kernel" % l] = (
            cache["A"][l].T.dot(dZ) + lam * parameters["dense_%d.kernel" % l]
        )
        grads["dense_%d.bias" % l] = dZ.sum(axis=0)
    return loss, grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    new, new_state = {}, {"step": state.get("step", 0) + 1}
    for k, w in parameters.items():
        v = o["momentum"] * state.get("v." + k, 0.0) - o["learning_rate"] * gradients[k]
        new_state["v." + k] = v
        new[k] = w + v
    return new, new_state
