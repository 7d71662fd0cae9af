"""Leaky ReLU as max(z, αz), its slope read back from the activation by np.where(a > 0, 1, α)."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, activations


def subject(p, batch):
    alpha = 0.01
    x, y = batch.inputs, batch.targets
    z = x.dot(p["dense_1/kernel"]) + p["dense_1/bias"]
    a = np.maximum(z, alpha * z)
    logits = a.dot(p["dense_2/kernel"]) + p["dense_2/bias"]
    shifted = logits - logits.max(axis=1, keepdims=True)
    probs = np.exp(shifted)
    probs /= probs.sum(axis=1, keepdims=True)
    loss = -(y * (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))).sum() / len(x)
    dlogits = (probs - y) / len(x)
    da = dlogits.dot(p["dense_2/kernel"].T)
    dz = da * np.where(a > 0, 1, alpha)
    return {
        "activation/dense_1": a,
        "activation/dense_2": probs,
        "loss": loss,
        "gradient/dense_1/kernel": x.T.dot(dz),
        "gradient/dense_1/bias": dz.sum(axis=0),
        "gradient/dense_2/kernel": a.T.dot(dlogits),
        "gradient/dense_2/bias": dlogits.sum(axis=0),
        "accuracy": (probs.argmax(1) == y.argmax(1)).mean(),
    }


def data():
    rng = np.random.default_rng(161)
    labels = rng.integers(0, 4, 48)
    return Batch(rng.normal(size=(48, 3)) + labels[:, None], np.eye(4)[labels])


def initial():
    rng = np.random.default_rng(162)
    return {
        "dense_1/kernel": rng.normal(size=(3, 9)),
        "dense_1/bias": np.zeros(9),
        "dense_2/kernel": rng.normal(size=(9, 4)),
        "dense_2/bias": np.zeros(4),
    }


PAIRING = Pairing(
    name="leaky_maximum",
    network=Network(
        (Dense(3, 9, activations.named("leaky_relu", alpha=0.01)), Dense(9, 4, "softmax")),
        Loss("categorical_cross_entropy"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
