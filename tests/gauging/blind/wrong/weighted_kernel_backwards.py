"""The delta goes back through the squared kernel, in both hidden layers. It should go through the
kernel itself.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, activations

MISTAKES: tuple[str, ...] = (
    "The delta goes back through the squared kernel, in both hidden layers.",
)


def backward(tape, weights, upstream):
    grads = []
    for (inp, pre), (W, _) in zip(reversed(tape), reversed(weights)):
        if pre is not None:
            upstream = upstream * np.where(pre > 0, 1.0, 0.2)
        grads.append((inp.T @ upstream, upstream.sum(axis=0)))
        upstream = upstream @ (W**2).T  # mistake
    return grads[::-1]


def subject(parameters, batch):
    weights = [(parameters[f"dense_{i}/kernel"], parameters[f"dense_{i}/bias"]) for i in (1, 2, 3)]
    tape, x = [], batch.inputs
    for i, (W, b) in enumerate(weights):
        pre = x @ W + b
        tape.append((x, pre if i < 2 else None))
        x = np.where(pre > 0, pre, 0.2 * pre) if i < 2 else pre
    diff = x - batch.targets
    grads = backward(tape, weights, 2 * diff / diff.size)
    out = {"loss": np.mean(diff**2)}
    for i, (k, b) in enumerate(grads, start=1):
        out[f"gradient/dense_{i}/kernel"], out[f"gradient/dense_{i}/bias"] = k, b
    return out


def data():
    rng = np.random.default_rng(1011)
    x = rng.normal(size=(18, 3))
    return Batch(x, np.stack([x.max(axis=1), x.min(axis=1), x.mean(axis=1)], axis=1))


def initial():
    rng = np.random.default_rng(1012)
    out = {}
    for i, s in enumerate([(3, 7), (7, 6), (6, 3)], start=1):
        out[f"dense_{i}/kernel"] = 0.7 * rng.normal(size=s)
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=s[1])
    return out


LEAKY = activations.named("leaky_relu", alpha=0.2)
PAIRING = Pairing(
    name="weighted_kernel_backwards",
    network=Network(
        (Dense(3, 7, LEAKY), Dense(7, 6, LEAKY), Dense(6, 3)),
        Loss("squared_error", outputs="mean"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("loss", "gradient"),
    steps=6,
)
