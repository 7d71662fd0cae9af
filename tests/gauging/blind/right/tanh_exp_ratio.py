"""tanh by its definition, (e^z − e^−z)/(e^z + e^−z), as in textbooks; it overflows and says only that."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def tanh(z):
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


def tanh_prime(z):
    return 1 - tanh(z) ** 2


def subject(p, batch):
    z = [None, batch.inputs @ p["dense_1/kernel"] + p["dense_1/bias"]]
    a = [batch.inputs, tanh(z[1])]
    z.append(a[1] @ p["dense_2/kernel"] + p["dense_2/bias"])
    a.append(z[2])
    n = len(batch.inputs)
    delta = 2 * (a[2] - batch.targets) / n
    g2 = a[1].T @ delta, delta.sum(axis=0)
    delta = (delta @ p["dense_2/kernel"].T) * tanh_prime(z[1])
    g1 = a[0].T @ delta, delta.sum(axis=0)
    return {
        "activation/dense_1": a[1],
        "activation/dense_2": a[2],
        "loss": ((a[2] - batch.targets) ** 2).sum() / n,
        "gradient/dense_1/kernel": g1[0],
        "gradient/dense_1/bias": g1[1],
        "gradient/dense_2/kernel": g2[0],
        "gradient/dense_2/bias": g2[1],
    }


def data():
    rng = np.random.default_rng(121)
    x = np.sort(rng.uniform(-3, 3, (45, 1)), axis=0)
    return Batch(x, np.sin(x))


def initial():
    rng = np.random.default_rng(122)
    return {
        "dense_1/kernel": rng.normal(size=(1, 12)),
        "dense_1/bias": rng.normal(size=12),
        "dense_2/kernel": rng.normal(size=(12, 1)),
        "dense_2/bias": np.zeros(1),
    }


PAIRING = Pairing(
    name="tanh_exp_ratio",
    network=Network((Dense(1, 12, "tanh"), Dense(12, 1)), Loss("squared_error")),
    subject=adapters.unsaturated(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
