"""No matrix product at all: sums over units and samples, as written on paper."""

import math
import numpy as np

NETWORK = {
    "sizes": [3, 5, 4, 2],
    "activations": ["leaky_relu", "sigmoid", "softmax"],
    "leaky_slope": 0.1,
    "loss": "categorical_crossentropy",
    "l2": 0.02,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = "right"
C = NETWORK["leaky_slope"]


def loss_and_gradients(parameters, x, y):
    S = NETWORK["sizes"]
    W = [parameters[f"dense_{l}.kernel"].tolist() for l in (1, 2, 3)]
    b = [parameters[f"dense_{l}.bias"].tolist() for l in (1, 2, 3)]
    dW = [[[NETWORK["l2"] * w for w in row] for row in Wl] for Wl in W]
    db = [[0.0] * len(bl) for bl in b]
    loss = 0.5 * NETWORK["l2"] * sum(w * w for Wl in W for row in Wl for w in row)
    n = len(x)
    for xs, ys in zip(x.tolist(), y.tolist()):
        a, slopes = [xs], []
        for l in range(3):
            z = [b[l][j] + sum(a[l][i] * W[l][i][j] for i in range(S[l])) for j in range(S[l + 1])]
            if l == 0:
                a.append([t if t > 0 else C * t for t in z])
                slopes.append([1.0 if t > 0 else C for t in z])
            elif l == 1:
                a.append([0.5 + 0.5 * math.tanh(t / 2) for t in z])
                slopes.append([0.25 * (1 - math.tanh(t / 2) ** 2) for t in z])
            else:
                top = max(z)
                total = sum(math.exp(t - top) for t in z)
                a.append([math.exp(t - top) / total for t in z])
                loss += sum(q * (math.log(total) + top - t) for q, t in zip(ys, z)) / n
        # each unit's share of the error, from the back
        d = [(p - q) / n for p, q in zip(a[3], ys)]
        for l in (2, 1, 0):
            for j in range(S[l + 1]):
                db[l][j] += d[j]
                for i in range(S[l]):
                    dW[l][i][j] += a[l][i] * d[j]
            if l > 0:
                d = [
                    slopes[l - 1][i] * sum(W[l][i][j] * d[j] for j in range(S[l + 1]))
                    for i in range(S[l])
                ]
    grads = {}
    for l in range(3):
        grads[f"dense_{l + 1}.kernel"] = np.array(dW[l])
        grads[f"dense_{l + 1}.bias"] = np.array(db[l])
    return loss, grads
