"""The gradient of the skip connection is added twice, in both blocks. It should be added once."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Residual

MISTAKES: tuple[str, ...] = ("The gradient of the skip connection is added twice, in both blocks.",)

D = 6


def relu(x):
    return np.maximum(0, x)


def block_forward(x, W1, b1, W2, b2):
    u = x @ W1 + b1
    h = relu(u)
    y = x + h @ W2 + b2
    return y, (x, u, h, W1, W2)


def block_backward(dy, cache):
    x, u, h, W1, W2 = cache
    dW2 = h.T @ dy
    db2 = dy.sum(axis=0)
    du = (dy @ W2.T) * (u > 0)
    dW1 = x.T @ du
    db1 = du.sum(axis=0)
    dx = dy + dy + du @ W1.T  # mistake
    return dx, (dW1, db1, dW2, db2)


def subject(parameters, batch):
    p = {k.replace("dense_", ""): v for k, v in parameters.items()}
    X, T = batch.inputs, batch.targets
    x0 = np.tanh(X @ p["1/kernel"] + p["1/bias"])
    x1, c1 = block_forward(x0, p["2/kernel"], p["2/bias"], p["3/kernel"], p["3/bias"])
    x2, c2 = block_forward(x1, p["4/kernel"], p["4/bias"], p["5/kernel"], p["5/bias"])
    out = x2 @ p["6/kernel"] + p["6/bias"]
    err = out - T
    loss = 0.5 * np.mean(np.sum(err**2, axis=1))
    dout = err / len(X)
    grads = {"6/kernel": x2.T @ dout, "6/bias": dout.sum(0)}
    dx2 = dout @ p["6/kernel"].T
    dx1, (grads["4/kernel"], grads["4/bias"], grads["5/kernel"], grads["5/bias"]) = block_backward(
        dx2, c2
    )
    dx0, (grads["2/kernel"], grads["2/bias"], grads["3/kernel"], grads["3/bias"]) = block_backward(
        dx1, c1
    )
    dz = dx0 * (1 - x0**2)
    grads["1/kernel"], grads["1/bias"] = X.T @ dz, dz.sum(0)
    result = {f"gradient/dense_{k}": g for k, g in grads.items()}
    return result | {"loss": loss, "activation/add_1": x1, "activation/add_2": x2}


def data():
    rng = np.random.default_rng(60)
    X = rng.normal(size=(32, 3))
    return Batch(X, np.stack([X.prod(axis=1), X.sum(axis=1)], axis=1))


def initial():
    rng = np.random.default_rng(61)
    shapes = [(3, D), (D, 9), (9, D), (D, 9), (9, D), (D, 2)]
    out = {}
    for i, s in enumerate(shapes, start=1):
        out[f"dense_{i}/kernel"] = 0.4 * rng.normal(size=s)
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=s[1])
    return out


PAIRING = Pairing(
    name="skip_twice",
    network=Network(
        (
            Dense(3, D, "tanh"),
            Residual(Dense(D, 9, "relu"), Dense(9, D)),
            Residual(Dense(D, 9, "relu"), Dense(9, D)),
            Dense(D, 2),
        ),
        Loss("squared_error", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("activation", "loss", "gradient"),
    steps=5,
    partial=True,
)
