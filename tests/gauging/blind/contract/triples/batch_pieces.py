# settings
import numpy as np

NETWORK = {
    "sizes": [5, 7, 6, 2],
    "activations": ["sigmoid", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) * sum of squares",
    "l2": 0.001,
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
}
TRUTH = (
    "1) The number of pieces is n // PIECE: samples left over at the end are never used, though it is divided by all n. It should round up. "
    "2) The output delta is 2*(out - y), the derivative of the undivided square; with the half in the loss it should be (out - y). "
    "3) The first hidden layer's delta is not multiplied by sigmoid's derivative (the loop does so only for i > 1); every hidden layer's delta should be."
)
PIECE = 3
N_LAYERS = 3

sigmoid = lambda z: 1 / (1 + np.exp(-z))
functions = [sigmoid, np.tanh, lambda z: z]
derivatives = [lambda a: a * (1 - a), lambda a: 1 - a * a, lambda a: np.ones_like(a)]


def one_piece(parameters, xb, yb, grads):
    outs = [xb]
    for i in range(N_LAYERS):
        outs.append(
            functions[i](
                outs[i] @ parameters[f"dense_{i + 1}.kernel"] + parameters[f"dense_{i + 1}.bias"]
            )
        )
    difference = outs[-1] - yb
    delta = 2 * difference
    for i in range(N_LAYERS, 0, -1):
        if i > 1:
            delta = delta * derivatives[i - 1](outs[i])
        grads[f"dense_{i}.kernel"] += outs[i - 1].T @ delta
        grads[f"dense_{i}.bias"] += delta.sum(axis=0)
        delta = delta @ parameters[f"dense_{i}.kernel"].T
    return 0.5 * np.sum(difference**2)


def loss_and_gradients(parameters, x, y):
    n = len(x)
    grads = {k: np.zeros(w.shape) for k, w in parameters.items()}
    total = 0.0
    pieces = n // PIECE
    for j in range(pieces):
        rows = slice(j * PIECE, (j + 1) * PIECE)
        total += one_piece(parameters, x[rows], y[rows], grads)
    loss = total / n
    for k, w in parameters.items():
        grads[k] /= n
        if k.endswith("kernel"):
            loss += NETWORK["l2"] / 2 * np.sum(w**2)
            grads[k] += NETWORK["l2"] * w
    return loss, grads
