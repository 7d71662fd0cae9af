import numpy as np

NETWORK = {
    "sizes": [16, 10, 8, 5],
    "activations": ["relu", "relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "1) The output layer's logits are computed without its bias (dense_3.bias), whose gradient is returned all the same. "
    "2) Inputs with a maximum above 1 are taken for pixel values and divided by 255, depending on the data; x should be used as given. "
    "3) Gradients are accumulated in float16 arrays, so small contributions are lost and the result is half precision; they should be float64."
)


def as_image(x):
    if x.max() > 1.0:
        x = x / 255.0
    return x


def forward_one(P, v):
    z1 = v @ P["dense_1.kernel"] + P["dense_1.bias"]
    a1 = np.maximum(z1, 0)
    z2 = a1 @ P["dense_2.kernel"] + P["dense_2.bias"]
    a2 = np.maximum(z2, 0)
    z3 = a2 @ P["dense_3.kernel"]
    return a1, a2, z3


def loss_and_gradients(parameters, x, y):
    P = parameters
    images = as_image(x)
    n = len(images)
    grads = {k: np.zeros(w.shape, dtype=np.float16) for k, w in P.items()}
    loss = 0.0
    for image, target in zip(images, y):
        a1, a2, z3 = forward_one(P, image)
        z3 = z3 - z3.max()
        logp = z3 - np.log(np.exp(z3).sum())
        loss -= (target @ logp) / n
        d3 = (np.exp(logp) - target) / n
        d2 = np.where(a2 > 0, P["dense_3.kernel"] @ d3, 0)
        d1 = np.where(a1 > 0, P["dense_2.kernel"] @ d2, 0)
        for i, a, d in ((1, image, d1), (2, a1, d2), (3, a2, d3)):
            grads[f"dense_{i}.kernel"] += a[:, None] * d[None, :]
            grads[f"dense_{i}.bias"] += d
    return loss, grads
