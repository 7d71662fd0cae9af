"""The kernel gradients are appended in the backward loop, so that they come last layer first.
They should be in the order of the layers.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

MISTAKES: tuple[str, ...] = (
    "The kernel gradients are appended in the backward loop, so that they come last layer first.",
)

DIMS = [5, 5, 5, 5, 5]


def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def act(z):
    return softplus(z)


def dact(z):
    return sigmoid(z)


def bce_with_logits(z, t):
    per_label = np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))
    return per_label.sum() / z.shape[1]


def bce_grad(z, t):
    return (t * -sigmoid(-z) + (1 - t) * sigmoid(z)) / z.shape[1]


def network(Ws, bs, X, T):
    zs, hs = [], [X]
    for W, b in zip(Ws[:-1], bs[:-1]):
        zs.append(W.T @ hs[-1] + b)
        hs.append(act(zs[-1]))
    logits = Ws[-1].T @ hs[-1] + bs[-1]
    loss = bce_with_logits(logits, T)
    delta = bce_grad(logits, T)
    dWs, dbs = [], []
    for k in range(len(Ws) - 1, -1, -1):
        dWs.append(hs[k] @ delta.T)  # mistake
        dbs.insert(0, delta.sum(axis=1))
        if k > 0:
            delta = (Ws[k] @ delta) * dact(zs[k - 1])
    return loss, [*hs[1:], logits], dWs, dbs


def subject(parameters, batch):
    n = len(DIMS)
    Ws = [parameters[f"dense_{i}/kernel"] for i in range(1, n)]
    bs = [parameters[f"dense_{i}/bias"].reshape(-1, 1) for i in range(1, n)]
    loss, acts, dWs, dbs = network(Ws, bs, batch.inputs, batch.targets)
    out = {"loss": loss}
    for i in range(1, n):
        out[f"activation/dense_{i}"] = acts[i - 1]
        out[f"gradient/dense_{i}/kernel"] = dWs[i - 1]
        out[f"gradient/dense_{i}/bias"] = dbs[i - 1]
    return out


def data():
    rng = np.random.default_rng(50)
    X = rng.normal(size=(30, DIMS[0]))
    return Batch(X, (X[:, : DIMS[-1]] > 0).astype(float))


def initial():
    rng = np.random.default_rng(51)
    out = {}
    for i in range(1, len(DIMS)):
        out[f"dense_{i}/kernel"] = 0.6 * rng.normal(size=(DIMS[i - 1], DIMS[i]))
        out[f"dense_{i}/bias"] = 0.2 * rng.normal(size=DIMS[i])
    return out


PAIRING = Pairing(
    name="gradients_in_reversed_order",
    network=Network(
        tuple(
            Dense(DIMS[i], DIMS[i + 1], "softplus" if i < len(DIMS) - 2 else "linear")
            for i in range(len(DIMS) - 1)
        ),
        Loss("binary_cross_entropy"),
    ),
    subject=adapters.columns(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("activation", "loss", "gradient"),
    steps=5,
)
