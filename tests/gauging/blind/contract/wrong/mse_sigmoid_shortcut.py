import numpy as np

NETWORK = {
    "sizes": [2, 6, 1],
    "activations": ["sigmoid", "sigmoid"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {"name": "sgd", "learning_rate": 1.0},
}
TRUTH = (
    "wrong: the output delta is (output - y)/n, the shortcut that belongs to cross-entropy; with mean squared error on a sigmoid output it "
    "must be multiplied by output * (1 - output)."
)


def nonlin(z, deriv=False):
    if deriv:
        return z * (1 - z)
    return 1 / (1 + np.exp(-z))


def loss_and_gradients(parameters, x, y):
    syn0, bias0 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    syn1, bias1 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    l0 = x
    l1 = nonlin(np.dot(l0, syn0) + bias0)
    l2 = nonlin(np.dot(l1, syn1) + bias1)
    l2_error = l2 - y
    l2_delta = l2_error / len(x)
    l1_error = l2_delta.dot(syn1.T)
    l1_delta = l1_error * nonlin(l1, deriv=True)
    return 0.5 * np.sum(l2_error**2) / len(x), {
        "dense_1.kernel": l0.T.dot(l1_delta),
        "dense_1.bias": l1_delta.sum(axis=0),
        "dense_2.kernel": l1.T.dot(l2_delta),
        "dense_2.bias": l2_delta.sum(axis=0),
    }


def step(parameters, gradients, state):
    alpha = NETWORK["optimizer"]["learning_rate"]
    return (
        {k: v - alpha * gradients[k] for k, v in parameters.items()},
        {"step": state.get("step", 0) + 1},
    )
