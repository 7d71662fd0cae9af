"""The right branch's delta is sent back through the left branch's kernel. It should go through
its own.
"""

import numpy as np

from backproof import (
    Batch,
    Branches,
    Concatenate,
    Dense,
    Form,
    GradientDescent,
    Loss,
    Network,
    Pairing,
)

MISTAKES: tuple[str, ...] = (
    "The right branch's delta is sent back through the left branch's kernel.",
)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def subject(parameters, batch):
    W1, b1, W2, b2, W3, b3, W4, b4 = parameters.values()
    X, Y = batch.inputs, batch.targets
    h = np.tanh(X @ W1 + b1)
    left = np.maximum(h @ W2 + b2, 0)
    right = sigmoid(h @ W3 + b3)
    c = np.concatenate([left, right], axis=1)
    s = c @ W4 + b4
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(np.sum(p * Y, axis=1)))
    ds = (p - Y) / len(X)
    dW4, db4 = c.T @ ds, ds.sum(axis=0)
    dc = ds @ W4.T
    k = left.shape[1]
    dleft = dc[:, :k] * (left > 0)
    dright = dc[:, k:] * right * (1 - right)
    dW2, db2 = h.T @ dleft, dleft.sum(axis=0)
    dW3, db3 = h.T @ dright, dright.sum(axis=0)
    dh = dleft @ W2.T + dright @ W2.T  # mistake
    dz = dh * (1 - h**2)
    dW1, db1 = X.T @ dz, dz.sum(axis=0)
    grads = [dW1, db1, dW2, db2, dW3, db3, dW4, db4]
    out = {f"gradient/{name}": g for name, g in zip(parameters, grads)}
    return out | {"loss": loss, "activation/concatenate_1": c, "activation/dense_4": p}


def data():
    rng = np.random.default_rng(110)
    X = rng.normal(size=(33, 5))
    return Batch(X, np.eye(4)[np.argmax(X[:, :4], axis=1)])


def initial():
    rng = np.random.default_rng(111)
    shapes = [(5, 6), (6, 4), (6, 4), (8, 4)]
    out = {}
    for i, s in enumerate(shapes, start=1):
        out[f"dense_{i}/kernel"] = 0.6 * rng.normal(size=s)
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=s[1])
    return out


PAIRING = Pairing(
    name="kernel_of_other_branch",
    network=Network(
        (
            Dense(5, 6, "tanh"),
            Branches(Concatenate(), Dense(6, 4, "relu"), Dense(6, 4, "sigmoid")),
            Dense(8, 4, "softmax"),
        ),
        Loss("categorical_cross_entropy"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("activation", "loss", "gradient"),
    forms={"subject": Form("probabilities")},
    steps=5,
    partial=True,
)
