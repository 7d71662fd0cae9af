import numpy as np

NETWORK = {
    "sizes": [10, 12, 8, 5],
    "activations": ["tanh", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.0,
    "optimizer": {"name": "sgd", "learning_rate": 0.2},
}
TRUTH = (
    "softmax subtracts the maximum per class over the batch (axis 0) rather than per sample; the shift is then not constant "
    "inside a row and changes the probabilities, though rows still sum to one. It should be max over axis 1, keepdims."
)


def softmax(z):
    z = z - np.max(z, axis=0)
    e = np.exp(z)
    return e / np.sum(e, axis=1)[:, None]


def sigmoid(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


ACT = {
    "tanh": (np.tanh, lambda a: 1.0 - a * a),
    "sigmoid": (sigmoid, lambda a: a * (1.0 - a)),
    "softmax": (softmax, None),
}


def loss_and_gradients(parameters, x, y):
    names = NETWORK["activations"]
    acts = [x]
    for i, name in enumerate(names, start=1):
        acts.append(
            ACT[name][0](acts[-1] @ parameters[f"dense_{i}.kernel"] + parameters[f"dense_{i}.bias"])
        )
    p = acts[-1]
    loss = -np.mean(np.sum(y * np.log(np.clip(p, 1e-12, None)), axis=1))
    delta = (p - y) / y.shape[0]
    grads = {}
    for i in reversed(range(1, len(names) + 1)):
        grads[f"dense_{i}.kernel"] = acts[i - 1].T @ delta
        grads[f"dense_{i}.bias"] = delta.sum(0)
        if i > 1:
            delta = (delta @ parameters[f"dense_{i}.kernel"].T) * ACT[names[i - 2]][1](acts[i - 1])
    return loss, grads
