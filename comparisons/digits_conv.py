"""digits_conv: convolutions, the largest of windows, batch norm, dropout; pictures of digits.

The data ship with scikit-learn: 8 × 8 pictures of handwritten digits. The hand-written network has
its channels first, (1, 8, 8), and an adapter turns what goes in and what comes out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import (
    Activation,
    Batch,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Loss,
    MaxPool2D,
    Momentum,
    Network,
    Pairing,
    Parameters,
    Permute,
    adapters,
)
from scratch.digits_conv import (
    BATCH,
    DROPPED,
    EPSILON,
    KEPT,
    LEARNING_RATE,
    MOMENTUM,
    RUNNING,
    SEED,
    SHAPES,
    ConvDigits,
    initial_parameters,
    mask,
)


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes, channels first; what the twins show too."""
    velocity = {name: parameters[f"velocity/{name}"] for name in SHAPES}
    running = {name: parameters[name] for name in RUNNING}
    model = ConvDigits({name: parameters[name] for name in SHAPES}, velocity, running)
    kept = batch.masks["dropout_1"]
    seen = model.forward(batch.inputs, kept)
    found = {
        "activation/max_pool2d_1": seen.q,
        "activation/conv2d_2": seen.z2,
        "activation/flatten_1": seen.a2.reshape(len(seen.a2), -1),
        "activation/dropout_1": seen.d,
        "activation/dense_1": seen.probabilities,
        "loss": model.loss(batch.targets, seen),
        "accuracy": float((seen.logits.argmax(1) == batch.targets.argmax(1)).mean()),
        "parameter_count": sum(array.size for array in model.parameters.values()),
    }
    found |= {f"gradient/{n}": g for n, g in model.gradients(batch.targets, seen).items()}
    for layer in dict.fromkeys(name.split("/")[0] for name in SHAPES):
        own = [a.size for n, a in model.parameters.items() if n.startswith(f"{layer}/")]
        found[f"parameter_count/{layer}"] = sum(own)
    model.step(batch.inputs, batch.targets, kept, LEARNING_RATE)
    found |= {f"updated/{name}": array for name, array in model.parameters.items()}
    found |= {f"updated/{name}": array for name, array in model.running.items()}
    found |= {f"updated/velocity/{name}": array for name, array in model.velocity.items()}
    return found


def data() -> Batch:
    """All 1,797 pictures, of which the mean picture is taken away; a mask of what each keeps.

    Without that, whole windows of them are equal, and so are the largest of those: then it is open
    which of them gets the gradient.
    """
    from sklearn.datasets import load_digits

    inputs, labels = load_digits(return_X_y=True)
    pictures = (inputs - inputs.mean(axis=0)).reshape(-1, 8, 8, 1) / 16
    kept = mask(np.random.default_rng(SEED), len(pictures))
    return Batch(pictures, np.eye(10)[labels], masks={"dropout_1": kept})


def minibatch(whole: Batch, step: int) -> Batch:
    """The batch of a step: the next pictures, in the order in which they are stored."""
    taken = (step * BATCH + np.arange(BATCH)) % len(whole.inputs)
    kept = mask(np.random.default_rng((SEED, step)), BATCH)
    return Batch(whole.inputs[taken], whole.targets[taken], masks={"dropout_1": kept})


def initial() -> Parameters:
    """The start of the hand-written network; kernels are (height, width, channels, filters)."""
    drawn = initial_parameters(np.random.default_rng(SEED))
    return {n: a.transpose(2, 3, 1, 0) if a.ndim == 4 else a for n, a in drawn.items()}


PAIRING = Pairing(
    name="digits_conv",
    network=Network(
        layers=(
            Conv2D(1, 6, 3, padding=1, activation="relu"),
            MaxPool2D(2),
            Conv2D(6, 12, 3, stride=2, padding=1, bias=False),
            BatchNorm(KEPT, EPSILON),
            Activation("relu"),
            Permute((2, 0, 1)),
            Flatten(),
            Dropout(DROPPED),
            Dense(48, 10, "softmax"),
        ),
        loss=Loss("categorical_cross_entropy"),
        inputs=(8, 8, 1),
    ),
    subject=adapters.channels_first(subject),
    data=data,
    minibatch=minibatch,
    initial=initial,
    partial=True,
    optimizer=Momentum(LEARNING_RATE, MOMENTUM),
    references={
        "keras": "reference/keras_models.py:digits_conv",
        "torch": "reference/torch_models.py:digits_conv",
    },
)
