"""The gradient of the concatenation is split one column late. The left branch should get its own
three columns, the right one its own four.
"""

import numpy as np

from backproof import (
    Batch,
    Branches,
    Concatenate,
    Dense,
    GradientDescent,
    Loss,
    Network,
    Pairing,
)

MISTAKES: tuple[str, ...] = (
    "The gradient of the concatenation is split one column late, for the right branch.",
)


def subject(p, batch):
    x, t = batch.inputs, batch.targets
    a = x @ p["dense_1/kernel"] + p["dense_1/bias"]
    h = np.where(a > 0, a, 0)
    left = np.tanh(h @ p["dense_2/kernel"] + p["dense_2/bias"])
    right = np.tanh(h @ p["dense_3/kernel"] + p["dense_3/bias"])
    both = np.hstack((left, right))
    err = both @ p["dense_4/kernel"] + p["dense_4/bias"] - t
    d4 = err / len(x)
    cot = d4 @ p["dense_4/kernel"].T
    d2 = cot[:, :3] * (1 - left**2)
    d3 = np.roll(cot, -4, axis=1)[:, :4] * (1 - right**2)  # mistake
    d1 = (d2 @ p["dense_2/kernel"].T + d3 @ p["dense_3/kernel"].T) * (a > 0)
    result = {"loss": 0.5 * (err**2).sum() / len(x), "activation/concatenate_1": both}
    for i, (inp, d) in enumerate([(x, d1), (h, d2), (h, d3), (both, d4)], start=1):
        result[f"gradient/dense_{i}/kernel"] = inp.T @ d
        result[f"gradient/dense_{i}/bias"] = d.sum(axis=0)
    return result


def data():
    rng = np.random.default_rng(981)
    x = rng.normal(size=(21, 4))
    return Batch(x, np.abs(x[:, :2]))


def initial():
    rng = np.random.default_rng(982)
    out = {}
    for i, s in enumerate([(4, 6), (6, 3), (6, 4), (7, 2)], start=1):
        out[f"dense_{i}/kernel"] = 0.5 * rng.normal(size=s)
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=s[1])
    return out


PAIRING = Pairing(
    name="concatenation_split_one_late",
    network=Network(
        (
            Dense(4, 6, "relu"),
            Branches(Concatenate(), Dense(6, 3, "tanh"), Dense(6, 4, "tanh")),
            Dense(7, 2),
        ),
        Loss("squared_error", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("activation", "loss", "gradient"),
    steps=5,
    partial=True,
)
