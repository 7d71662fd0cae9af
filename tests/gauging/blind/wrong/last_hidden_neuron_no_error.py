"""The loop over the hidden neurons ends one early, so the last one gets no error, in both hidden
layers. Every neuron should get its error.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = (
    "The loop over the hidden neurons ends one early, so the last one gets no error, in both "
    "hidden layers.",
)


def sigma(s):
    return 1.0 / (1.0 + np.exp(-s))


def errors_below(errors, kernel, out):
    found = np.zeros_like(out)
    for j in range(out.shape[1] - 1):  # mistake
        found[:, j] = (errors * kernel[j]).sum(axis=1) * out[:, j] * (1 - out[:, j])
    return found


def subject(parameters, batch):
    outs = [batch.inputs]
    for i in (1, 2, 3):
        outs.append(
            sigma(outs[-1] @ parameters[f"dense_{i}/kernel"] + parameters[f"dense_{i}/bias"])
        )
    diff = outs[-1] - batch.targets
    errors = diff * outs[-1] * (1 - outs[-1])
    result = {"loss": 0.5 * np.sum(diff**2)}
    for i in (3, 2, 1):
        result[f"gradient/dense_{i}/kernel"] = outs[i - 1].T @ errors
        result[f"gradient/dense_{i}/bias"] = errors.sum(axis=0)
        if i > 1:
            errors = errors_below(errors, parameters[f"dense_{i}/kernel"], outs[i - 1])
    return result


def data():
    rng = np.random.default_rng(1001)
    x = rng.integers(0, 2, size=(16, 4)).astype(float)
    return Batch(x, (x.sum(axis=1, keepdims=True) % 2))


def initial():
    rng = np.random.default_rng(1002)
    sizes = [4, 6, 5, 1]
    out = {}
    for i, (m, n) in enumerate(zip(sizes, sizes[1:]), start=1):
        out[f"dense_{i}/kernel"] = rng.normal(size=(m, n))
        out[f"dense_{i}/bias"] = rng.normal(size=n)
    return out


PAIRING = Pairing(
    name="last_hidden_neuron_no_error",
    network=Network(
        (Dense(4, 6, "sigmoid"), Dense(6, 5, "sigmoid"), Dense(5, 1, "sigmoid")),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.5),
    quantities=("loss", "gradient"),
    steps=8,
)
