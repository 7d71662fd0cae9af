"""A tied autoencoder; the two parts of the shared kernel's gradient are one product of concatenated matrices."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Node, Pairing, Shared


def subject(p, batch):
    X = batch.inputs
    W, b, c = p["encoder/kernel"], p["encoder/bias"], p["decoder/bias"]
    code = np.tanh(X @ W + b)
    out = code @ W.T + c
    E = 2 * (out - batch.targets) / len(X)
    D = (E @ W) * (1 - code**2)
    return {
        "activation/encoder": code,
        "activation/decoder": out,
        "loss": np.sum((out - batch.targets) ** 2) / len(X),
        "gradient/encoder/kernel": np.vstack([X, E]).T @ np.vstack([D, code]),
        "gradient/encoder/bias": D.sum(0),
        "gradient/decoder/bias": E.sum(0),
    }


def data():
    rng = np.random.default_rng(1121)
    X = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 6))
    return Batch(X, X)


def initial():
    rng = np.random.default_rng(1122)
    return {
        "encoder/kernel": rng.normal(size=(6, 2)) / 2,
        "encoder/bias": np.zeros(2),
        "decoder/bias": np.zeros(6),
    }


PAIRING = Pairing(
    name="graph_tied_autoencoder",
    network=Network(
        (
            Node("encoder", Dense(6, 2, "tanh")),
            Node(
                "decoder", Dense(2, 6), shared={"kernel": Shared("encoder/kernel", transposed=True)}
            ),
        ),
        Loss("squared_error"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.01),
    partial=True,
)
