import numpy as np

NETWORK = {
    "sizes": [5, 6, 6, 6, 2],
    "activations": ["relu", "tanh", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.03,
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.01,
        "beta_1": 0.9,
        "beta_2": 0.9,
        "epsilon": 1e-8,
    },
}
TRUTH = (
    "wrong, three: (1) the penalty in the loss uses np.linalg.norm(W) without the square, should be l2/2 * norm(W)**2 (gradient l2 * W is right); "
    "(2) the delta of dense_2 is carried down with the kernel of dense_2 instead of dense_3 (both 6 x 6); should be d3 @ W3.T; "
    "(3) step keeps the running maximum of v (AMSGrad) in the slot; the stated optimizer is plain Adam."
)


def loss_and_gradients(parameters, x, y):
    n = x.shape[0]
    reg = NETWORK["l2"]
    W1, W2, W3, W4 = [parameters["dense_%d.kernel" % i] for i in (1, 2, 3, 4)]
    b1, b2, b3, b4 = [parameters["dense_%d.bias" % i] for i in (1, 2, 3, 4)]

    h1 = np.maximum(x @ W1 + b1, 0)
    h2 = np.tanh(h1 @ W2 + b2)
    h3 = np.tanh(h2 @ W3 + b3)
    s = h3 @ W4 + b4
    s = np.exp(s - s.max(axis=1, keepdims=True))
    s = s / s.sum(axis=1, keepdims=True)

    loss = -(y * np.log(np.maximum(s, 1e-30))).sum(axis=1).mean()
    loss += reg / 2 * sum(np.linalg.norm(W) for W in (W1, W2, W3, W4))

    d4 = (s - y) / n
    d3 = d4 @ W4.T * (1 - h3**2)
    d2 = d3 @ W2.T * (1 - h2**2)
    d1 = d2 @ W2.T * (h1 > 0)

    grads = {}
    for i, (inp, d, W) in enumerate(((x, d1, W1), (h1, d2, W2), (h2, d3, W3), (h3, d4, W4)), 1):
        grads["dense_%d.kernel" % i] = inp.T @ d + reg * W
        grads["dense_%d.bias" % i] = d.sum(axis=0)
    return loss, grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    b1, b2 = o["beta_1"], o["beta_2"]
    t = 1 + state.get("step", 0)
    p2, s2 = {}, {"step": t}
    for k, w in parameters.items():
        g = gradients[k]
        m0, v0 = state.get("m." + k, np.zeros_like(w)), state.get("v." + k, np.zeros_like(w))
        m = m0 + (1 - b1) * (g - m0)
        v = v0 + (1 - b2) * (g * g - v0)
        v = np.maximum(v, v0)
        lr_t = o["learning_rate"] / (1 - b1**t)
        p2[k] = w - lr_t * m / (np.sqrt(v / (1 - b2**t)) + o["epsilon"])
        s2["m." + k], s2["v." + k] = m, v
    return p2, s2
