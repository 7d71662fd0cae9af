"""Rational arithmetic: the ReLU network is computed in fractions.Fraction without any rounding until the end."""

from fractions import Fraction

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

exact = np.vectorize(lambda v: Fraction(float(v)), otypes=[object])
rounded = np.vectorize(float, otypes=[float])


def subject(p, batch):
    w1, b1, w2, b2 = (exact(v) for v in p.values())
    x, y = exact(batch.inputs), exact(batch.targets)
    n = len(x)
    z = x.dot(w1) + b1
    h = np.where(z > 0, z, Fraction(0))
    o = h.dot(w2) + b2
    d = (o - y) * Fraction(1, n)
    g = np.where(z > 0, d.dot(w2.T), Fraction(0))
    return {
        "activation/dense_1": rounded(h),
        "activation/dense_2": rounded(o),
        "loss": float(((o - y) ** 2).sum() / (2 * n)),
        "gradient/dense_1/kernel": rounded(x.T.dot(g)),
        "gradient/dense_1/bias": rounded(g.sum(axis=0)),
        "gradient/dense_2/kernel": rounded(h.T.dot(d)),
        "gradient/dense_2/bias": rounded(d.sum(axis=0)),
    }


def data():
    rng = np.random.default_rng(1011)
    return Batch(rng.normal(size=(10, 3)), rng.normal(size=(10, 2)))


def initial():
    rng = np.random.default_rng(1012)
    return {
        "dense_1/kernel": rng.normal(size=(3, 4)),
        "dense_1/bias": rng.normal(size=4),
        "dense_2/kernel": rng.normal(size=(4, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="exact_fractions",
    network=Network((Dense(3, 4, "relu"), Dense(4, 2)), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
