"""The samples are visited in an order shuffled anew from a fixed seed; losses and gradients are running means."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    order = np.random.default_rng(99).permutation(len(batch.inputs))
    mean = {f"gradient/{k}": np.zeros_like(v) for k, v in p.items()}
    mean["loss"] = 0.0
    for count, s in enumerate(order, start=1):
        x, y = batch.inputs[s : s + 1], batch.targets[s : s + 1]
        h = np.maximum(x @ p["dense_1/kernel"] + p["dense_1/bias"], 0)
        z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
        d = z - y
        dh = d @ p["dense_2/kernel"].T * (h > 0)
        now = {
            "loss": 0.5 * (d * d).sum(),
            "gradient/dense_1/kernel": x.T @ dh,
            "gradient/dense_1/bias": dh[0],
            "gradient/dense_2/kernel": h.T @ d,
            "gradient/dense_2/bias": d[0],
        }
        for key in mean:
            mean[key] = mean[key] + (now[key] - mean[key]) / count
    return mean


def data():
    rng = np.random.default_rng(561)
    return Batch(rng.normal(size=(40, 3)), rng.normal(size=(40, 2)))


def initial():
    rng = np.random.default_rng(562)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="gradients_shuffled",
    network=Network((Dense(3, 5, "relu"), Dense(5, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
