import numpy as np

NETWORK = {
    "sizes": [5] * 12,
    "activations": ["tanh"] * 10 + ["softmax"],
    "loss": "categorical_crossentropy",
    "l2": 1e-3,
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
}
TRUTH = (
    "1) The layers are put in order by sorting their names as strings: dense_10 and dense_11 come right after dense_1, so the chain is another network. "
    "They should be ordered by number. 2) step() adds l2*W to the kernels' gradients though loss_and_gradients already contains it: the penalty acts twice."
)


def kernel_names(parameters):
    return sorted(k for k in parameters if k.endswith(".kernel"))


def loss_and_gradients(parameters, x, y):
    names = kernel_names(parameters)
    acts = [x]
    for i, kn in enumerate(names):
        z = acts[-1] @ parameters[kn] + parameters[kn.replace("kernel", "bias")]
        if i < len(names) - 1:
            acts.append(np.tanh(z))
    z -= z.max(axis=1, keepdims=True)
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    loss = -np.sum(logp * y) / len(x)
    for kn in names:
        loss += 0.5 * NETWORK["l2"] * np.sum(parameters[kn] ** 2)

    grads = {}
    d = (np.exp(logp) - y) / len(x)
    for kn, a in zip(reversed(names), reversed(acts)):
        grads[kn] = a.T @ d + NETWORK["l2"] * parameters[kn]
        grads[kn.replace("kernel", "bias")] = d.sum(axis=0)
        d = (d @ parameters[kn].T) * (1 - a**2)
    return loss, grads


def step(parameters, gradients, state):
    lr, decay = NETWORK["optimizer"]["learning_rate"], NETWORK["l2"]
    new = {}
    for k, w in parameters.items():
        g = gradients[k]
        if k in kernel_names(parameters):
            g = g + decay * w
        new[k] = w - lr * g
    return new, {"step": state.get("step", 0) + 1}
