import numpy as np

NETWORK = {
    "sizes": [6, 10, 4],
    "activations": ["relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.001,
}
CHUNK = 4  # keep the activations small
TRUTH = (
    "wrong: the accumulation runs over n // CHUNK whole chunks, so the last n % CHUNK samples are dropped from loss and gradients "
    "(and all of them for n < CHUNK), while it still divides by n. Should run over -(-n // CHUNK) chunks (rounded up)."
)


def _chunk(p, xb, yb):
    """sums (not means) over one chunk"""
    z1 = xb @ p["dense_1.kernel"] + p["dense_1.bias"]
    h = np.maximum(z1, 0)
    z2 = h @ p["dense_2.kernel"] + p["dense_2.bias"]
    z2 = z2 - np.max(z2, axis=-1, keepdims=True)
    lse = np.log(np.sum(np.exp(z2), axis=-1, keepdims=True))
    loss = np.sum(yb * (lse - z2))
    d2 = np.exp(z2 - lse) - yb
    d1 = np.where(z1 > 0, d2 @ p["dense_2.kernel"].T, 0)
    return loss, {
        "dense_2.kernel": h.T @ d2,
        "dense_2.bias": d2.sum(0),
        "dense_1.kernel": xb.T @ d1,
        "dense_1.bias": d1.sum(0),
    }


def loss_and_gradients(parameters, x, y):
    n = x.shape[0]
    total = 0.0
    grads = {k: np.zeros_like(v) for k, v in parameters.items()}
    for c in range(n // CHUNK):
        sl = slice(c * CHUNK, (c + 1) * CHUNK)
        l, g = _chunk(parameters, x[sl], y[sl])
        total += l
        for k in grads:
            grads[k] += g[k]
    loss = total / n
    for k in grads:
        grads[k] /= n
        if k.endswith("kernel"):
            loss += NETWORK["l2"] / 2 * np.sum(parameters[k] ** 2)
            grads[k] += NETWORK["l2"] * parameters[k]
    return loss, grads
