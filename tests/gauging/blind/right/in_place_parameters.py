"""The training step changes the given parameters in place (`W -= lr * dW`) and gives them back; gradients are copied before."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

LR = 0.05


def subject(params, batch):
    X, Y = batch.inputs, batch.targets
    H = X @ params["dense_1/kernel"]
    H += params["dense_1/bias"]
    np.tanh(H, out=H)
    E = H @ params["dense_2/kernel"]
    E += params["dense_2/bias"]
    E -= Y
    loss = np.vdot(E, E) / E.size
    E *= 2 / E.size
    G = E @ params["dense_2/kernel"].T
    G -= G * H * H
    grads = dict(zip(params, (X.T @ G, G.sum(0), H.T @ E, E.sum(0))))
    for k in params:
        params[k] -= LR * grads[k]
    out = {"loss": loss}
    out.update({f"gradient/{k}": g for k, g in grads.items()})
    out.update({f"updated/{k}": w for k, w in params.items()})
    return out


def data():
    rng = np.random.default_rng(1351)
    return Batch(rng.normal(size=(32, 4)), rng.normal(size=(32, 3)))


def initial():
    rng = np.random.default_rng(1352)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="in_place_parameters",
    network=Network((Dense(4, 6, "tanh"), Dense(6, 3)), Loss("squared_error", outputs="mean")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(LR),
    partial=True,
)
