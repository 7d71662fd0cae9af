"""A kernel is used twice in a row, and its gradient is that of the second use only. Both uses should
be added.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Node, Pairing, Shared

MISTAKES: tuple[str, ...] = (
    "The gradient of the kernel that is used twice is that of the second use only.",
)


def subject(parameters, batch):
    K = parameters["first/kernel"]
    b1, b2 = parameters["first/bias"], parameters["second/bias"]
    V, c = parameters["out/kernel"], parameters["out/bias"]
    x, y = batch.inputs, batch.targets
    h1 = np.tanh(x @ K + b1)
    h2 = np.tanh(h1 @ K + b2)
    e = h2 @ V + c - y
    d = 2 * e / len(x)
    g = {"out/kernel": h2.T @ d, "out/bias": d.sum(0)}
    d = (d @ V.T) * (1 - h2**2)
    g["first/kernel"], g["second/bias"] = h1.T @ d, d.sum(0)
    d = (d @ K.T) * (1 - h1**2)
    g["first/bias"] = d.sum(0)  # mistake: x.T @ d is not added to the kernel's
    return {"loss": np.sum(e**2) / len(x), **{"gradient/" + k: v for k, v in g.items()}}


def data():
    rng = np.random.default_rng(991)
    x = rng.normal(size=(19, 5))
    return Batch(x, np.cos(x[:, :2]))


def initial():
    rng = np.random.default_rng(992)
    return {
        "first/kernel": 0.5 * rng.normal(size=(5, 5)),
        "first/bias": 0.1 * rng.normal(size=5),
        "second/bias": 0.1 * rng.normal(size=5),
        "out/kernel": 0.5 * rng.normal(size=(5, 2)),
        "out/bias": np.zeros(2),
    }


PAIRING = Pairing(
    name="repeated_layer_last_use_only",
    network=Network(
        (
            Node("first", Dense(5, 5, "tanh")),
            Node("second", Dense(5, 5, "tanh"), shared={"kernel": Shared("first/kernel")}),
            Node("out", Dense(5, 2)),
        ),
        Loss("squared_error"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    quantities=("loss", "gradient"),
    steps=5,
)
