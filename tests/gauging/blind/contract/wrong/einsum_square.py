import numpy as np

NETWORK = {
    "sizes": [5, 8, 8, 8, 3],
    "activations": ["tanh", "tanh", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 1e-3,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "In the loop over the hidden layers delta is carried back through the kernel untransposed ('nj,ji->ni' on a kernel with axes (in, out)); "
    "possible as these kernels are square. It should be 'nj,ij->ni', as is done for the output kernel. dense_1 and dense_2 gradients are wrong."
)


def loss_and_gradients(parameters, x, y):
    n = len(x)
    K = len(NETWORK["activations"])
    W = {k: parameters[f"dense_{k}.kernel"] for k in range(1, K + 1)}
    b = {k: parameters[f"dense_{k}.bias"] for k in range(1, K + 1)}
    h = {0: x}
    for k in range(1, K):
        h[k] = np.tanh(np.einsum("ni,ij->nj", h[k - 1], W[k]) + b[k])
    s = np.einsum("ni,ij->nj", h[K - 1], W[K]) + b[K]
    s = s - s.max(axis=1, keepdims=True)
    p = np.exp(s)
    p /= np.einsum("nj->n", p)[:, None]
    loss = -np.einsum("nj,nj->", y, np.log(p + 1e-300)) / n + NETWORK["l2"] / 2 * sum(
        np.einsum("ij,ij->", w, w) for w in W.values()
    )

    delta = {K: (p - y) / n}
    delta[K - 1] = np.einsum("nj,ij->ni", delta[K], W[K]) * (1 - h[K - 1] ** 2)
    for k in range(K - 2, 0, -1):
        delta[k] = np.einsum("nj,ji->ni", delta[k + 1], W[k + 1]) * (1 - h[k] ** 2)
    g = {}
    for k in range(1, K + 1):
        g[f"dense_{k}.kernel"] = np.einsum("ni,nj->ij", h[k - 1], delta[k]) + NETWORK["l2"] * W[k]
        g[f"dense_{k}.bias"] = np.einsum("nj->j", delta[k])
    return loss, g
