import numpy as np

NETWORK = {
    "sizes": [5, 8, 8, 3],
    "activations": ["relu", "relu", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "l2": 1e-3,
}
TRUTH = (
    "wrong: _prepare casts the targets to np.int64 (left from the classifier this was copied from), which truncates the real-valued "
    "regression targets; y must stay float."
)


def _prepare(x, y):
    x = np.asarray(x, dtype=np.float64)
    y = np.asarray(y).astype(np.int64)
    if y.ndim == 1:
        y = y[:, None]
    return x, y


def loss_and_gradients(parameters, x, y):
    x, y = _prepare(x, y)
    batch = x.shape[0]
    inputs, masks = [], []
    out = x
    for layer, kind in enumerate(NETWORK["activations"], 1):
        inputs.append(out)
        out = out @ parameters[f"dense_{layer}.kernel"] + parameters[f"dense_{layer}.bias"]
        mask = out > 0 if kind == "relu" else np.ones(out.shape, bool)
        masks.append(mask)
        out = out * mask
    diff = out - y
    data_loss = np.sum(diff**2) / (2 * batch)
    reg = sum(np.sum(v**2) for k, v in parameters.items() if "kernel" in k) * NETWORK["l2"] / 2
    grads = {}
    d = diff / batch
    for layer in range(len(inputs), 0, -1):
        d = d * masks[layer - 1]
        grads[f"dense_{layer}.kernel"] = (
            inputs[layer - 1].T @ d + NETWORK["l2"] * parameters[f"dense_{layer}.kernel"]
        )
        grads[f"dense_{layer}.bias"] = d.sum(0)
        d = d @ parameters[f"dense_{layer}.kernel"].T
    return data_loss + reg, grads
