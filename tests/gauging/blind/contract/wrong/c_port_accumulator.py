# Port of bpnn.c -- structure kept so that it can be compared line by line
import math
import numpy as np

NETWORK = {
    "sizes": [3, 4, 3, 2],
    "activations": ["tanh", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
}
TRUTH = (
    "wrong: in the back-propagation of the error the accumulator s is set to 0 once per layer, before the loop over the units i, instead of "
    "inside it; unit i therefore also receives the sums of all units before it. s = 0.0 belongs inside 'for i'."
)


def loss_and_gradients(parameters, x, y):
    sizes = NETWORK["sizes"]
    L = len(sizes) - 1
    w = [None] + [parameters["dense_%d.kernel" % l] for l in range(1, L + 1)]
    b = [None] + [parameters["dense_%d.bias" % l] for l in range(1, L + 1)]
    gw = [None] + [np.zeros_like(v) for v in w[1:]]
    gb = [None] + [np.zeros_like(v) for v in b[1:]]
    n = len(x)
    total = 0.0
    for k in range(n):
        # forward
        o = [[float(v) for v in x[k]]]
        for l in range(1, L + 1):
            row = []
            for j in range(sizes[l]):
                s = b[l][j]
                for i in range(sizes[l - 1]):
                    s += o[l - 1][i] * w[l][i, j]
                row.append(math.tanh(s) if l < L else s)
            o.append(row)
        # output error
        err = [None] * (L + 1)
        err[L] = [o[L][j] - y[k, j] for j in range(sizes[L])]
        for e in err[L]:
            total += 0.5 * e * e
        # back-propagate
        for l in range(L - 1, 0, -1):
            err[l] = [0.0] * sizes[l]
            s = 0.0
            for i in range(sizes[l]):
                for j in range(sizes[l + 1]):
                    s += err[l + 1][j] * w[l + 1][i, j]
                err[l][i] = s * (1.0 - o[l][i] * o[l][i])
        # weight changes
        for l in range(1, L + 1):
            for j in range(sizes[l]):
                for i in range(sizes[l - 1]):
                    gw[l][i, j] += err[l][j] * o[l - 1][i] / n
                gb[l][j] += err[l][j] / n
    grads = {}
    for l in range(1, L + 1):
        grads["dense_%d.kernel" % l] = gw[l]
        grads["dense_%d.bias" % l] = gb[l]
    return total / n, grads
