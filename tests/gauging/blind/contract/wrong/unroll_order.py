"""fmincg-style: everything goes through one flat theta vector (ported from MATLAB)."""

import numpy as np

NETWORK = {
    "sizes": [4, 6, 3],
    "activations": ["sigmoid", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0.1,
}
TRUTH = (
    "wrong: unroll() flattens each gradient in MATLAB's column order (order='F') while roll() reshapes in C order, so the returned kernel "
    "gradients are scrambled. Both must use the same order (as the parameters themselves, which go in with ravel(), C order)."
)

NAMES = ["dense_1.kernel", "dense_1.bias", "dense_2.kernel", "dense_2.bias"]


def roll(theta, shapes):
    out, pos = {}, 0
    for name, shape in zip(NAMES, shapes):
        size = int(np.prod(shape))
        out[name] = theta[pos : pos + size].reshape(shape)
        pos += size
    return out


def unroll(d, order="C"):
    return np.concatenate([d[name].ravel(order=order) for name in NAMES])


def cost(theta, shapes, X, Y, lam):
    T = roll(theta, shapes)
    m = X.shape[0]
    A2 = 0.5 * (1 + np.tanh(0.5 * (X @ T["dense_1.kernel"] + T["dense_1.bias"])))
    Z3 = A2 @ T["dense_2.kernel"] + T["dense_2.bias"]
    H = 0.5 * (1 + np.tanh(0.5 * Z3))
    J = (np.logaddexp(0, Z3) - Y * Z3).sum() / m
    J = J + lam / 2 * ((T["dense_1.kernel"] ** 2).sum() + (T["dense_2.kernel"] ** 2).sum())
    D3 = (H - Y) / m
    D2 = D3 @ T["dense_2.kernel"].T * A2 * (1 - A2)
    G = {
        "dense_1.kernel": X.T @ D2 + lam * T["dense_1.kernel"],
        "dense_1.bias": D2.sum(0),
        "dense_2.kernel": A2.T @ D3 + lam * T["dense_2.kernel"],
        "dense_2.bias": D3.sum(0),
    }
    return J, unroll(G, order="F")


def loss_and_gradients(parameters, x, y):
    shapes = [parameters[name].shape for name in NAMES]
    J, grad = cost(unroll(parameters), shapes, x, y, NETWORK["l2"])
    return J, roll(grad, shapes)
