"""digits_residual: convolutions with a residual block, softmax, cross-entropy; pictures of digits.

The data ship with scikit-learn: 8 × 8 pictures of handwritten digits, here as (8, 8, 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import (
    Activation,
    Batch,
    Conv2D,
    Dense,
    GlobalAveragePool,
    Loss,
    Momentum,
    Network,
    Pairing,
    Parameters,
    Penalty,
    Residual,
)
from scratch.digits_residual import (
    BATCH,
    L2,
    LEARNING_RATE,
    MOMENTUM,
    SEED,
    SHAPES,
    ResidualDigits,
    initial_parameters,
)


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes; inside of its block, what the twins show too."""
    velocity = {name: parameters[f"velocity/{name}"] for name in SHAPES}
    model = ResidualDigits({name: parameters[name] for name in SHAPES}, velocity)
    seen = model.forward(batch.inputs)
    found = {
        "activation/conv2d_1": seen.a1,
        "activation/conv2d_2": seen.a2,
        "activation/global_average_pool_1": seen.pooled,
        "activation/dense_1": seen.probabilities,
        "loss": model.loss(batch.targets, seen),
        "accuracy": float((seen.logits.argmax(1) == batch.targets.argmax(1)).mean()),
        "parameter_count": sum(array.size for array in model.parameters.values()),
    }
    found |= {f"gradient/{n}": g for n, g in model.gradients(batch.targets, seen).items()}
    for layer in dict.fromkeys(name.split("/")[0] for name in SHAPES):
        own = [a.size for n, a in model.parameters.items() if n.startswith(f"{layer}/")]
        found[f"parameter_count/{layer}"] = sum(own)
    model.step(batch.inputs, batch.targets, LEARNING_RATE)
    found |= {f"updated/{name}": array for name, array in model.parameters.items()}
    found |= {f"updated/velocity/{name}": array for name, array in model.velocity.items()}
    return found


def data() -> Batch:
    """All 1,797 pictures, from 0 to 1."""
    from sklearn.datasets import load_digits

    inputs, labels = load_digits(return_X_y=True)
    return Batch(inputs.reshape(-1, 8, 8, 1) / 16, np.eye(10)[labels])


def minibatch(whole: Batch, step: int) -> Batch:
    """The batch of a step: the next pictures, in the order in which they are stored."""
    taken = (step * BATCH + np.arange(BATCH)) % len(whole.inputs)
    return Batch(whole.inputs[taken], whole.targets[taken])


PAIRING = Pairing(
    name="digits_residual",
    network=Network(
        layers=(
            Conv2D(1, 8, 3, padding="same", activation="relu"),
            Residual(
                Conv2D(8, 8, 3, padding="same", activation="relu"),
                Conv2D(8, 8, 3, padding="same"),
            ),
            Activation("relu"),
            GlobalAveragePool(),
            Dense(8, 10, "softmax"),
        ),
        loss=Loss("categorical_cross_entropy"),
        penalty=Penalty(l2=L2 / 2),
        inputs=(8, 8, 1),
    ),
    subject=subject,
    data=data,
    minibatch=minibatch,
    initial=lambda: initial_parameters(np.random.default_rng(SEED)),
    partial=True,
    optimizer=Momentum(LEARNING_RATE, MOMENTUM),
    references={
        "keras": "reference/keras_models.py:digits_residual",
        "torch": "reference/torch_models.py:digits_residual",
    },
)
