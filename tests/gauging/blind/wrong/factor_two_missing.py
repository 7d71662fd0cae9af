"""The output delta lacks the factor 2 of the squared error. The loss has no half, so it should
be 2 * error * slope.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = ("The output delta lacks the factor 2 of the squared error.",)

alpha = 0.1
hidden = 6


def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))


def run(X, y, syn0, syn1, syn2):
    l0 = X
    l1 = nonlin(np.dot(l0, syn0))
    l2 = nonlin(np.dot(l1, syn1))
    l3 = nonlin(np.dot(l2, syn2))
    l3_error = l3 - y
    loss = np.sum(l3_error**2)
    l3_delta = l3_error * nonlin(l3, deriv=True)  # mistake
    l2_error = l3_delta.dot(syn2.T)
    l2_delta = l2_error * nonlin(l2, deriv=True)
    l1_error = l2_delta.dot(syn1.T)
    l1_delta = l1_error * nonlin(l1, deriv=True)
    g2 = l2.T.dot(l3_delta)
    g1 = l1.T.dot(l2_delta)
    g0 = l0.T.dot(l1_delta)
    syn2 = syn2 - alpha * g2
    syn1 = syn1 - alpha * g1
    syn0 = syn0 - alpha * g0
    return loss, (l1, l2, l3), (g0, g1, g2), (syn0, syn1, syn2)


def subject(parameters, batch):
    names = ["dense_1", "dense_2", "dense_3"]
    kernels = [parameters[n + "/kernel"] for n in names]
    loss, acts, grads, new = run(batch.inputs, batch.targets, *kernels)
    out = {"loss": loss}
    for n, a, g, w in zip(names, acts, grads, new):
        out[f"activation/{n}"] = a
        out[f"gradient/{n}/kernel"] = g
        out[f"updated/{n}/kernel"] = w
    return out


def data():
    bits = [[a, b, c, 1] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    X = np.array(bits, float)
    y = np.column_stack([X[:, 0] != X[:, 1], X[:, 1] != X[:, 2]]).astype(float)
    return Batch(X, y)


def initial():
    np.random.seed(1)
    return {
        "dense_1/kernel": 2 * np.random.random((4, hidden)) - 1,
        "dense_2/kernel": 2 * np.random.random((hidden, hidden)) - 1,
        "dense_3/kernel": 2 * np.random.random((hidden, 2)) - 1,
    }


PAIRING = Pairing(
    name="factor_two_missing",
    network=Network(
        (
            Dense(4, hidden, "sigmoid", bias=False),
            Dense(hidden, hidden, "sigmoid", bias=False),
            Dense(hidden, 2, "sigmoid", bias=False),
        ),
        Loss("squared_error", batch="sum"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(alpha),
    quantities=("activation", "loss", "gradient", "updated"),
    steps=15,
)
