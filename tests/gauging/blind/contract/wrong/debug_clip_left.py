import numpy as np

NETWORK = {
    "sizes": [10, 4, 4, 2],
    "activations": ["sigmoid", "sigmoid", "sigmoid"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "optimizer": {"name": "sgd", "learning_rate": 0.5},
}
TRUTH = (
    "wrong: step clips every gradient entry to [-1, 1] (left over from chasing a divergence); the stated optimizer is plain sgd, "
    "w -= lr * g with the gradient as it is."
)


def sigm(z):
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, 1.0) / (1.0 + e)


def loss_and_gradients(parameters, x, y):
    activations = [x]
    for i in range(3):
        w, b = parameters[f"dense_{i + 1}.kernel"], parameters[f"dense_{i + 1}.bias"]
        activations.append(sigm(np.matmul(activations[i], w) + b))
    residual = activations[3] - y
    loss = 0.5 * (residual * residual).sum(axis=1).mean()
    grads = {}
    upstream = residual / x.shape[0]
    for i in (3, 2, 1):
        a = activations[i]
        local = upstream * a * (1.0 - a)
        grads[f"dense_{i}.kernel"] = np.matmul(activations[i - 1].T, local)
        grads[f"dense_{i}.bias"] = local.sum(axis=0)
        upstream = np.matmul(local, parameters[f"dense_{i}.kernel"].T)
    return loss, grads


def step(parameters, gradients, state):
    lr = NETWORK["optimizer"]["learning_rate"]
    updated = {}
    for name, value in parameters.items():
        g = gradients[name]
        g = np.clip(g, -1.0, 1.0)  # TODO remove, nan at epoch 37
        updated[name] = value - lr * g
    return updated, dict(state, step=state.get("step", 0) + 1)
