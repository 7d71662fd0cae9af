"""The sigmoid split by sign, filled into an empty array by masks; the slope is σ(z)·σ(−z) from z."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def sigma(z):
    out = np.empty_like(z)
    pos = z >= 0
    out[pos] = 1.0 / (1.0 + np.exp(-z[pos]))
    ez = np.exp(z[~pos])
    out[~pos] = ez / (1.0 + ez)
    return out


def subject(params, batch):
    x, t = batch.inputs, batch.targets
    zs, acts = [], [x]
    for i in (1, 2, 3):
        z = acts[-1] @ params[f"dense_{i}/kernel"] + params[f"dense_{i}/bias"]
        zs.append(z)
        acts.append(sigma(z))
    out = {f"activation/dense_{i}": acts[i] for i in (1, 2, 3)}
    out["loss"] = ((acts[3] - t) ** 2).mean()
    grad = 2 * (acts[3] - t) / t.size
    for i in (3, 2, 1):
        z = zs[i - 1]
        grad = grad * sigma(z) * sigma(-z)
        out[f"gradient/dense_{i}/kernel"] = acts[i - 1].T @ grad
        out[f"gradient/dense_{i}/bias"] = grad.sum(axis=0)
        grad = grad @ params[f"dense_{i}/kernel"].T
    return out


def data():
    rng = np.random.default_rng(21)
    x = rng.standard_normal((30, 5))
    return Batch(x, rng.uniform(0.1, 0.9, (30, 2)))


def initial():
    rng = np.random.default_rng(22)
    sizes = [5, 8, 6, 2]
    p = {}
    for i, (a, b) in enumerate(zip(sizes, sizes[1:]), 1):
        p[f"dense_{i}/kernel"] = rng.standard_normal((a, b)) / np.sqrt(a)
        p[f"dense_{i}/bias"] = 0.1 * rng.standard_normal(b)
    return p


PAIRING = Pairing(
    name="sigmoid_split_sign",
    network=Network(
        (Dense(5, 8, "sigmoid"), Dense(8, 6, "sigmoid"), Dense(6, 2, "sigmoid")),
        Loss("squared_error", outputs="mean"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
