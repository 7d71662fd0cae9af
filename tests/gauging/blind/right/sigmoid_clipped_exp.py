"""z is clipped to ±500 before exp, as many tutorials do against the overflow warning."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def sigmoid(z):
    z = np.clip(z, -500, 500)
    return 1.0 / (1.0 + np.exp(-z))


def subject(params, batch):
    X, Y = batch.inputs, batch.targets
    m = X.shape[0]
    cache = {}
    cache["A0"] = X
    for l in range(1, 3):
        cache[f"Z{l}"] = (
            np.dot(cache[f"A{l - 1}"], params[f"dense_{l}/kernel"]) + params[f"dense_{l}/bias"]
        )
        cache[f"A{l}"] = sigmoid(cache[f"Z{l}"])
    grads = {}
    dZ = cache["A2"] - Y
    for l in (2, 1):
        grads[f"gradient/dense_{l}/kernel"] = (1 / m) * np.dot(cache[f"A{l - 1}"].T, dZ)
        grads[f"gradient/dense_{l}/bias"] = (1 / m) * np.sum(dZ, axis=0)
        if l > 1:
            A = cache[f"A{l - 1}"]
            dZ = np.dot(dZ, params[f"dense_{l}/kernel"].T) * (A * (1 - A))
    predicted = (cache["A2"] > 0.5).astype(int)
    return {
        **{f"activation/dense_{l}": cache[f"A{l}"] for l in (1, 2)},
        **grads,
        **{f"updated/{k}": v - 0.3 * grads[f"gradient/{k}"] for k, v in params.items()},
        "accuracy": np.mean(predicted == Y),
    }


def data():
    rng = np.random.default_rng(51)
    X = rng.normal(size=(60, 2))
    return Batch(X, (np.hypot(*X.T) > 1.2)[:, None].astype(float))


def initial():
    rng = np.random.default_rng(52)
    return {
        "dense_1/kernel": rng.normal(size=(2, 7)) * 0.5,
        "dense_1/bias": np.zeros(7),
        "dense_2/kernel": rng.normal(size=(7, 1)) * 0.5,
        "dense_2/bias": np.zeros(1),
    }


PAIRING = Pairing(
    name="sigmoid_clipped_exp",
    network=Network((Dense(2, 7, "sigmoid"), Dense(7, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.3),
    partial=True,
)
