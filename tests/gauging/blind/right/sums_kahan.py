"""Compensated summation by Kahan, over samples and over inputs alike."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def kahan(terms):
    total = compensation = None
    for term in terms:
        if total is None:
            total, compensation = term.copy(), np.zeros_like(term)
            continue
        y = term - compensation
        t = total + y
        compensation = (t - total) - y
        total = t
    return total


def subject(p, batch):
    X, Y = batch.inputs, batch.targets
    w1, b1, w2 = p["dense_1/kernel"], p["dense_1/bias"], p["dense_2/kernel"]
    H = np.tanh(
        kahan([np.outer(X[:, i], w1[i]) for i in range(X.shape[1])] + [np.tile(b1, (len(X), 1))])
    )
    P = kahan([np.outer(H[:, j], w2[j]) for j in range(H.shape[1])])
    R = P - Y
    back = kahan([np.outer(R[:, k], w2[:, k]) for k in range(R.shape[1])]) * (1 - H * H)
    return {
        "activation/dense_1": H,
        "activation/dense_2": P,
        "loss": 0.5 * kahan([np.atleast_1d(r @ r) for r in R])[0],
        "gradient/dense_2/kernel": kahan([np.outer(h, r) for h, r in zip(H, R)]),
        "gradient/dense_1/kernel": kahan([np.outer(x, d) for x, d in zip(X, back)]),
        "gradient/dense_1/bias": kahan(list(back)),
    }


def data():
    rng = np.random.default_rng(531)
    return Batch(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))


def initial():
    rng = np.random.default_rng(532)
    return {
        "dense_1/kernel": rng.normal(size=(3, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
    }


PAIRING = Pairing(
    name="sums_kahan",
    network=Network(
        (Dense(3, 6, "tanh"), Dense(6, 2, bias=False)),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.01),
    partial=True,
)
