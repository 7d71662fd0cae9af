"""The slope of tanh is kept from vanishing by a floor of 0.05, in both hidden layers. It should be
1 - h**2.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "The slope of tanh is kept from vanishing by a floor of 0.05, in both hidden layers.",
)

LAYERS = ("dense_1", "dense_2", "dense_3")


def dtanh(h):
    return np.maximum(1 - h * h, 0.05)  # mistake


def subject(weights, batch):
    acts = [batch.inputs]
    for name in LAYERS:
        s = acts[-1] @ weights[name + "/kernel"] + weights[name + "/bias"]
        acts.append(np.tanh(s) if name != "dense_3" else s)
    err = acts[-1] - batch.targets
    grads = {}
    d = err * 2 / len(err)
    for i in (2, 1, 0):
        name = LAYERS[i]
        grads["gradient/" + name + "/kernel"] = acts[i].T @ d
        grads["gradient/" + name + "/bias"] = d.sum(axis=0)
        if i:
            d = d @ weights[name + "/kernel"].T * dtanh(acts[i])
    return {"loss": (err**2).sum() / len(err), **grads}


def data():
    rng = np.random.default_rng(901)
    x = rng.uniform(-2, 2, size=(24, 2))
    return Batch(x, np.sin(x.sum(axis=1, keepdims=True)))


def initial():
    rng = np.random.default_rng(902)
    sizes = [2, 9, 8, 1]
    out = {}
    for i, (m, n) in enumerate(zip(sizes, sizes[1:]), start=1):
        out[f"dense_{i}/kernel"] = rng.normal(size=(m, n))
        out[f"dense_{i}/bias"] = 0.2 * rng.normal(size=n)
    return out


PAIRING = Pairing(
    name="floor_under_tanh_slope",
    network=Network((Dense(2, 9, "tanh"), Dense(9, 8, "tanh"), Dense(8, 1)), Loss("squared_error")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    quantities=("loss", "gradient"),
    steps=6,
)
