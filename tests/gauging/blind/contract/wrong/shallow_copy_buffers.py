import copy
import numpy as np

NETWORK = {
    "sizes": [5, 7, 7, 3],
    "activations": ["tanh", "sigmoid", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
    "l2": 0.02,
}
TRUTH = (
    "wrong: the gradient buffers come from copy.copy(parameters), a shallow copy, so writing grads[...][:] overwrites the caller's "
    "parameters, and the kernels that the delta is propagated through (and the l2 term) are already gradients. Should be copy.deepcopy "
    "(or np.zeros_like for every parameter)."
)


def loss_and_gradients(parameters, x, y):
    n = len(x)
    l2 = NETWORK["l2"]
    L = len(NETWORK["sizes"]) - 1
    A = {0: x}
    for k in range(1, L + 1):
        Z = A[k - 1].dot(parameters["dense_%d.kernel" % k]) + parameters["dense_%d.bias" % k]
        f = NETWORK["activations"][k - 1]
        if f == "tanh":
            A[k] = np.tanh(Z)
        elif f == "sigmoid":
            A[k] = 0.5 * np.tanh(0.5 * Z) + 0.5
        else:
            A[k] = Z
    E = A[L] - y
    loss = np.einsum("ij,ij->", E, E) / (2 * n)
    loss += (
        0.5 * l2 * sum(np.sum(v**2) for name, v in parameters.items() if name.endswith(".kernel"))
    )

    grads = copy.copy(parameters)  # buffers of the right shapes, all overwritten below
    D = E / n
    for k in range(L, 0, -1):
        f = NETWORK["activations"][k - 1]
        if f == "tanh":
            D = D * (1 - A[k] ** 2)
        elif f == "sigmoid":
            D = D * A[k] * (1 - A[k])
        grads["dense_%d.bias" % k][:] = D.sum(axis=0)
        grads["dense_%d.kernel" % k][:] = A[k - 1].T.dot(D) + l2 * parameters["dense_%d.kernel" % k]
        D = D.dot(parameters["dense_%d.kernel" % k].T)
    return loss, grads
