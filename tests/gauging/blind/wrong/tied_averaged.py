"""The tied kernel's gradient is the mean of both shares. It should be their sum."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Node, Pairing, Shared

MISTAKES: tuple[str, ...] = ("The tied kernel's gradient is the mean of both shares.",)


def encode(x, W, b):
    return np.tanh(x @ W + b)


def decode(h, W, c):
    return h @ W.T + c


def subject(parameters, batch):
    W, b, c = (parameters[n] for n in ("encoder/kernel", "encoder/bias", "decoder/bias"))
    x, target = batch.inputs, batch.targets
    n = x.shape[0]
    h = encode(x, W, b)
    r = decode(h, W, c)
    loss = ((r - target) ** 2).sum() / n
    dr = 2 * (r - target) / n
    dW_dec = dr.T @ h
    dc = dr.sum(axis=0)
    dh = dr @ W
    dz = dh * (1 - h**2)
    dW_enc = x.T @ dz
    db = dz.sum(axis=0)
    return {
        "loss": loss,
        "activation/encoder": h,
        "activation/decoder": r,
        "gradient/encoder/kernel": (dW_enc + dW_dec) / 2,  # mistake
        "gradient/encoder/bias": db,
        "gradient/decoder/bias": dc,
    }


def data():
    rng = np.random.default_rng(120)
    X = rng.normal(size=(28, 3)) @ rng.normal(size=(3, 6))
    return Batch(X, X)


def initial():
    rng = np.random.default_rng(121)
    return {
        "encoder/kernel": 0.4 * rng.normal(size=(6, 3)),
        "encoder/bias": 0.1 * rng.normal(size=3),
        "decoder/bias": 0.1 * rng.normal(size=6),
    }


PAIRING = Pairing(
    name="tied_averaged",
    network=Network(
        (
            Node("encoder", Dense(6, 3, "tanh")),
            Node("decoder", Dense(3, 6), shared={"kernel": Shared("encoder/kernel", True)}),
        ),
        Loss("squared_error"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.05),
    quantities=("activation", "loss", "gradient"),
    steps=5,
)
