"""The step adds the learning rate times the gradient to the biases of all layers. It should
subtract it, as it does for the kernels.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "The step adds the learning rate times the gradient to the biases of all layers.",
)

SIZES = (4, 7, 5, 2)
LR = 0.05


def act(z):
    return np.tanh(z)


def act_prime(z):
    return 1 - np.tanh(z) ** 2


def forward(params, X):
    zs, acts = [], [X]
    L = len(SIZES) - 1
    for l in range(1, L + 1):
        z = acts[-1] @ params[f"W{l}"] + params[f"b{l}"]
        zs.append(z)
        acts.append(act(z) if l < L else z)
    return zs, acts


def mse(pred, Y):
    return np.mean((pred - Y) ** 2)


def backward(params, zs, acts, Y):
    grads = {}
    L = len(SIZES) - 1
    delta = 2 * (acts[-1] - Y) / Y.size
    for l in range(L, 0, -1):
        grads[f"W{l}"] = acts[l - 1].T @ delta
        grads[f"b{l}"] = delta.sum(axis=0)
        if l > 1:
            delta = (delta @ params[f"W{l}"].T) * act_prime(zs[l - 2])
    return grads


def sgd(params, grads):
    sign = {"W": -1, "b": 1}
    return {k: params[k] + sign[k[0]] * LR * grads[k] for k in params}  # mistake


def subject(parameters, batch):
    names = {"W": "kernel", "b": "bias"}
    long = {f"{s}{l}": f"dense_{l}/{n}" for l in range(1, len(SIZES)) for s, n in names.items()}
    params = {short: parameters[name] for short, name in long.items()}
    zs, acts = forward(params, batch.inputs)
    grads = backward(params, zs, acts, batch.targets)
    new = sgd(params, grads)
    out = {f"activation/dense_{l}": a for l, a in enumerate(acts) if l}
    out["loss"] = mse(acts[-1], batch.targets)
    for short, name in long.items():
        out[f"gradient/{name}"] = grads[short]
        out[f"updated/{name}"] = new[short]
    return out


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(48, SIZES[0]))
    return Batch(X, np.tanh(X @ rng.normal(size=(SIZES[0], SIZES[-1]))))


def initial():
    rng = np.random.default_rng(1)
    start = {}
    for l, (m, n) in enumerate(zip(SIZES, SIZES[1:]), start=1):
        start[f"dense_{l}/kernel"] = rng.normal(size=(m, n)) / np.sqrt(m)
        start[f"dense_{l}/bias"] = 0.1 * rng.normal(size=n)
    return start


ACTS = ["tanh"] * (len(SIZES) - 2) + ["linear"]
PAIRING = Pairing(
    name="sgd_adds_bias_gradient",
    network=Network(
        tuple(Dense(m, n, a) for m, n, a in zip(SIZES, SIZES[1:], ACTS)),
        Loss("squared_error", outputs="mean"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(LR),
    quantities=("activation", "loss", "gradient", "updated"),
    steps=15,
)
