import numpy as np

NETWORK = {
    "sizes": [4, 5, 3],
    "activations": ["sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.1,
    "optimizer": {
        "name": "momentum",
        "learning_rate": 0.1,
        "momentum": 0.8,
        "note": "v = mu*v - lr*g; w += v",
    },
}
TRUTH = (
    "step() multiplies by the learning rate twice: the velocity already contains lr*g and is scaled by lr once more when it is added "
    "to the parameter. The update should be w + v."
)


def step(parameters, gradients, state):
    lr = NETWORK["optimizer"]["learning_rate"]
    mu = NETWORK["optimizer"]["momentum"]
    state = {**state, "step": state.get("step", 0) + 1}
    result = dict(parameters)
    for name in result:
        slot = f"v.{name}"
        if slot not in state:
            state[slot] = np.zeros_like(result[name])
        state[slot] = mu * state[slot] - lr * gradients[name]
        result[name] = result[name] + lr * state[slot]
    return result, state


def loss_and_gradients(parameters, x, y):
    W1, b1 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    W2, b2 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    lam = NETWORK["l2"]
    N = x.shape[0]
    hidden = 1.0 / (1.0 + np.exp(-(x @ W1 + b1)))
    scores = hidden @ W2 + b2
    scores -= np.max(scores, axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= np.sum(probs, axis=1, keepdims=True)
    correct = probs[np.arange(N), np.argmax(y, axis=1)]
    loss = np.sum(-np.log(correct + 1e-300)) / N + 0.5 * lam * (np.sum(W1 * W1) + np.sum(W2 * W2))

    dscores = probs.copy()
    dscores[np.arange(N), np.argmax(y, axis=1)] -= 1
    dscores /= N
    dhidden = (dscores @ W2.T) * hidden * (1 - hidden)
    return loss, {
        "dense_1.kernel": x.T @ dhidden + lam * W1,
        "dense_1.bias": dhidden.sum(axis=0),
        "dense_2.kernel": hidden.T @ dscores + lam * W2,
        "dense_2.bias": dscores.sum(axis=0),
    }
