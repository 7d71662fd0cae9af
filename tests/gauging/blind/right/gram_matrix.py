"""Linear regression through its normal equations: the gradient is 2(XᵀX W − XᵀY)/n, from sums kept of the data."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def subject(p, batch):
    W = p["dense_1/kernel"]
    X = np.column_stack([batch.inputs, np.ones(len(batch.inputs))])
    XtX, XtY, n = X.T @ X, X.T @ batch.targets, len(X)
    gradient = 2 / n * (XtX @ W - XtY)
    return {
        "activation/dense_1": X @ W,
        "gradient/dense_1/kernel": gradient,
        "updated/dense_1/kernel": W - 0.05 * gradient,
    }


def data():
    rng = np.random.default_rng(631)
    X = rng.normal(size=(60, 4))
    return Batch(X, X @ rng.normal(size=(4, 2)) + 0.1 * rng.normal(size=(60, 2)))


def initial():
    rng = np.random.default_rng(632)
    return {"dense_1/kernel": rng.normal(size=(4, 2)), "dense_1/bias": rng.normal(size=2)}


PAIRING = Pairing(
    name="gram_matrix",
    network=Network((Dense(4, 2),), Loss("squared_error")),
    subject=adapters.bias_in_kernel(subject, "last row"),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    partial=True,
)
