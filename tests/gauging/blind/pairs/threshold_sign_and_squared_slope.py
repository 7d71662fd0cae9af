"""(1) The thresholds' gradient is delta in all layers. It should be minus delta, for a
threshold is subtracted. (2) The output delta has o * (1 - o) squared. It should have it
once.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

MISTAKES: tuple[str, ...] = (
    "The thresholds' gradient is delta in all layers.",
    "The output delta has o * (1 - o) squared.",
)

LAYERS = (1, 2, 3)


def sig(v):
    return 1 / (1 + np.exp(-v))


def present(weights, thetas, pattern, teacher):
    """One pattern through the perceptron and back; a threshold is subtracted."""
    o = [pattern]
    for w, theta in zip(weights, thetas):
        o.append(sig(w @ o[-1] - theta))
    error = 0.5 * np.sum((teacher - o[-1]) ** 2)
    d = (o[-1] - teacher) * (o[-1] * (1 - o[-1])) ** 2  # mistake
    by_w, by_theta = [], []
    for k in (2, 1, 0):
        by_w.insert(0, np.outer(d, o[k]))
        by_theta.insert(0, d)  # mistake
        d = (weights[k].T @ d) * o[k] * (1 - o[k])
    return error, o[1:], by_w, by_theta


def subject(parameters, sample):
    weights = [parameters[f"dense_{i}/kernel"] for i in LAYERS]
    thetas = [parameters[f"dense_{i}/bias"] for i in LAYERS]
    error, o, by_w, by_theta = present(weights, thetas, sample.inputs, sample.targets)
    out = {"loss": error}
    for i in LAYERS:
        out[f"activation/dense_{i}"] = o[i - 1]
        out[f"gradient/dense_{i}/kernel"] = by_w[i - 1]
        out[f"gradient/dense_{i}/bias"] = by_theta[i - 1]
    return out


def data():
    rng = np.random.default_rng(170)
    X = rng.uniform(-1, 1, size=(18, 4))
    return Batch(X, np.stack([X[:, 0] > X[:, 1], X[:, 2] > X[:, 3]], axis=1) * 0.8 + 0.1)


def initial():
    rng = np.random.default_rng(171)
    out = {}
    for i, (m, n) in zip(LAYERS, [(4, 5), (5, 5), (5, 2)]):
        out[f"dense_{i}/kernel"] = rng.normal(size=(m, n))
        out[f"dense_{i}/bias"] = rng.normal(size=n)
    return out


PAIRING = Pairing(
    name="threshold_sign_and_squared_slope",
    network=Network(
        (Dense(4, 5, "sigmoid"), Dense(5, 5, "sigmoid"), Dense(5, 2, "sigmoid")),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=adapters.one_sample(adapters.thresholds(adapters.transposed(subject)), "sum"),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.5),
    quantities=("activation", "loss", "gradient"),
    steps=5,
)
