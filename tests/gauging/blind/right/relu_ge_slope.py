"""ReLU as z*(z>0) and a slope of 1 at exactly 0, `z >= 0`, as many people write it; two hidden layers."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def relu(z):
    return z * (z > 0)


def relu_grad(z):
    return (z >= 0).astype(float)


def subject(p, batch):
    A = [batch.inputs]
    Z = []
    for k in range(1, 4):
        Z.append(A[-1] @ p[f"dense_{k}/kernel"] + p[f"dense_{k}/bias"])
        A.append(relu(Z[-1]) if k < 3 else Z[-1])
    dZ = (A[-1] - batch.targets) / len(batch.inputs)
    out = {f"activation/dense_{k}": A[k] for k in range(1, 4)}
    out["loss"] = np.sum((A[-1] - batch.targets) ** 2) / (2 * len(batch.inputs))
    for k in range(3, 0, -1):
        out[f"gradient/dense_{k}/kernel"] = A[k - 1].T @ dZ
        out[f"gradient/dense_{k}/bias"] = dZ.sum(0)
        if k > 1:
            dZ = dZ @ p[f"dense_{k}/kernel"].T * relu_grad(Z[k - 2])
    return out


def data():
    rng = np.random.default_rng(181)
    x = rng.normal(size=(26, 3))
    return Batch(x, np.abs(x[:, :2]))


def initial():
    rng = np.random.default_rng(182)
    p = {}
    for k, (i, o) in enumerate([(3, 8), (8, 8), (8, 2)], 1):
        p[f"dense_{k}/kernel"] = rng.normal(0, np.sqrt(2 / i), (i, o))
        p[f"dense_{k}/bias"] = np.full(o, 0.01)
    return p


PAIRING = Pairing(
    name="relu_ge_slope",
    network=Network(
        (Dense(3, 8, "relu"), Dense(8, 8, "relu"), Dense(8, 2)), Loss("squared_error", scale=0.5)
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
