"""tiny tape"""

import numpy as np

NETWORK = {
    "sizes": [5, 6, 6, 6, 4],
    "activations": ["tanh", "tanh", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.005,
}
TRUTH = (
    "wrong: the backward closure of the tanh layers, appended to the tape in the loop, looks up the loop's variable t when it is called "
    "(late binding), so all hidden layers use the derivative of the LAST hidden layer. Should bind it: lambda d, t=t: d * (1 - t * t)."
)


def loss_and_gradients(parameters, x, y):
    grads = {}
    tape = []
    lam = NETWORK["l2"]

    def dense(k, a):
        W = parameters[f"dense_{k}.kernel"]

        def back(d):
            grads[f"dense_{k}.kernel"] = a.T @ d + lam * W
            grads[f"dense_{k}.bias"] = d.sum(axis=0)
            return d @ W.T

        tape.append(back)
        return a @ W + parameters[f"dense_{k}.bias"]

    h = x
    for k in range(1, 4):
        h = t = np.tanh(dense(k, h))
        tape.append(lambda d: d * (1 - t * t))
    logits = dense(4, h)
    logits = logits - logits.max(axis=1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = -(y * logp).sum(axis=1).mean()
    loss += lam / 2 * sum((parameters[f"dense_{k}.kernel"] ** 2).sum() for k in range(1, 5))

    d = (np.exp(logp) - y) / len(x)
    for back in reversed(tape):
        d = back(d)
    return loss, grads
