# Octave port: bias is the first row of Theta, inputs get a leading column of ones
import numpy as np

NETWORK = {
    "sizes": [3, 5, 4, 2],
    "activations": ["tanh", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
}
TRUTH = (
    "wrong: when the delta is carried back through Theta the last column is stripped ([:, :-1]), but the bias unit is the FIRST one "
    "(ones are put in front), so the first column must be dropped: [:, 1:]."
)


def loss_and_gradients(parameters, x, y):
    nL = len(NETWORK["sizes"]) - 1
    Theta = [
        np.vstack(
            [
                parameters["dense_%d.bias" % (l + 1)][None, :],
                parameters["dense_%d.kernel" % (l + 1)],
            ]
        )
        for l in range(nL)
    ]
    m = x.shape[0]
    one = np.ones((m, 1))

    A = []
    a = x
    for l in range(nL):
        a = np.hstack([one, a])
        A.append(a)
        z = a @ Theta[l]
        a = np.tanh(z) if NETWORK["activations"][l] == "tanh" else z
    J = ((a - y) ** 2).sum() / 2 / m

    grad = {}
    d = (a - y) / m
    for l in range(nL - 1, -1, -1):
        T = A[l].T @ d
        grad["dense_%d.bias" % (l + 1)] = T[0]
        grad["dense_%d.kernel" % (l + 1)] = T[1:]
        if l > 0:
            d = (d @ Theta[l].T)[:, :-1] * (1 - A[l][:, 1:] ** 2)
    return J, grad
