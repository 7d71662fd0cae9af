import numpy as np

NETWORK = {
    "sizes": [7, 8, 4, 3],
    "activations": ["leaky_relu", "leaky_relu", "softmax"],
    "leaky_slope": 0.3,
    "loss": "categorical_crossentropy",
    "l2": 0.02,
}
TRUTH = (
    "wrong, two: (1) the leaky mask is an int array ((z > 0).astype(int)), so writing the slope 0.3 into it truncates to 0: negative units get "
    "derivative 0; must be a float array; (2) the penalty in the loss is l2 * sum W^2 without the half, while the gradient l2 * W belongs "
    "to l2/2 * sum W^2."
)


def leaky_grad(z, slope):
    mask = (z > 0).astype(int)
    mask[z <= 0] = slope
    return mask


def forward(params, x):
    cache = {"a0": x}
    for i in range(1, 4):
        z = cache["a%d" % (i - 1)] @ params["dense_%d.kernel" % i] + params["dense_%d.bias" % i]
        cache["z%d" % i] = z
        if i < 3:
            cache["a%d" % i] = np.where(z > 0, z, NETWORK["leaky_slope"] * z)
        else:
            e = np.exp(z - z.max(axis=1, keepdims=True))
            cache["a3"] = e / e.sum(axis=1, keepdims=True)
    return cache


def loss_and_gradients(parameters, x, y):
    c = forward(parameters, x)
    n = y.shape[0]
    loss = -np.sum(y * np.log(np.clip(c["a3"], 1e-15, None))) / n
    loss += NETWORK["l2"] * sum(np.sum(parameters["dense_%d.kernel" % i] ** 2) for i in (1, 2, 3))
    grads = {}
    dz = (c["a3"] - y) / n
    for i in (3, 2, 1):
        grads["dense_%d.kernel" % i] = (
            c["a%d" % (i - 1)].T @ dz + NETWORK["l2"] * parameters["dense_%d.kernel" % i]
        )
        grads["dense_%d.bias" % i] = dz.sum(axis=0)
        if i > 1:
            da = dz @ parameters["dense_%d.kernel" % i].T
            dz = da * leaky_grad(c["z%d" % (i - 1)], NETWORK["leaky_slope"])
    return loss, grads
