"""All in single precision, sums through float32 matmul, an in-place ReLU and float32 constants."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

F = np.float32


def subject(p, batch):
    p = {k: v.astype(F) for k, v in p.items()}
    x, y = batch.inputs.astype(F), batch.targets.astype(F)
    h = x @ p["dense_1/kernel"]
    h += p["dense_1/bias"]
    np.maximum(h, 0, out=h)
    z = h @ p["dense_2/kernel"]
    z += p["dense_2/bias"]
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    s = e.sum(axis=1, keepdims=True)
    d = e / s
    loss = np.mean(np.log(s)[:, 0] - (z * y).sum(axis=1))
    d -= y
    d *= F(1 / len(x))
    dh = d @ p["dense_2/kernel"].T
    dh *= h > 0
    return {
        "activation/dense_1": h,
        "activation/dense_2": e / s,
        "loss": loss,
        "gradient/dense_1/kernel": x.T @ dh,
        "gradient/dense_1/bias": dh.sum(0),
        "gradient/dense_2/kernel": h.T @ d,
        "gradient/dense_2/bias": d.sum(0),
    }


def data():
    rng = np.random.default_rng(971)
    return Batch(rng.normal(size=(64, 10)), np.eye(4)[rng.integers(0, 4, 64)])


def initial():
    rng = np.random.default_rng(972)
    return {
        "dense_1/kernel": rng.normal(size=(10, 16)) / 3,
        "dense_1/bias": np.zeros(16),
        "dense_2/kernel": rng.normal(size=(16, 4)) / 4,
        "dense_2/bias": np.zeros(4),
    }


PAIRING = Pairing(
    name="float32_subject",
    network=Network(
        (Dense(10, 16, "relu"), Dense(16, 4, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=adapters.float32(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
