"""L1 with its slope as np.where(w > 0, 1, −1), elastic net with L2 on kernels and biases; sign at 0 is −1."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty

L1, L2 = 0.01, 0.03


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    H = np.tanh(X @ p["dense_1/kernel"] + p["dense_1/bias"])
    E = (H @ p["dense_2/kernel"] + p["dense_2/bias"] - Y) / len(X)
    D = E @ p["dense_2/kernel"].T * (1 - H * H)
    grads = {
        "dense_1/kernel": X.T @ D,
        "dense_1/bias": D.sum(0),
        "dense_2/kernel": H.T @ E,
        "dense_2/bias": E.sum(0),
    }
    loss = 0.5 * np.sum(E * E) * len(X)
    for k, w in p.items():
        loss += L1 * np.abs(w).sum() + L2 * np.square(w).sum()
        grads[k] = grads[k] + L1 * np.where(w > 0, 1, -1) + 2 * L2 * w
    return {"loss": loss, **{f"gradient/{k}": g for k, g in grads.items()}}


def data():
    rng = np.random.default_rng(1191)
    return Batch(rng.normal(size=(28, 3)), rng.normal(size=(28, 2)))


def initial():
    rng = np.random.default_rng(1192)
    return {
        "dense_1/kernel": rng.normal(size=(3, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="l1_by_where",
    network=Network(
        (Dense(3, 6, "tanh"), Dense(6, 2)),
        Loss("squared_error", scale=0.5),
        Penalty(l1=L1, l2=L2, biases=True),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
