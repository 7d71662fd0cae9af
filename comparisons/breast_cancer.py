"""breast_cancer: ReLU ×3, sigmoid, binary cross-entropy; 469 tumours to train, 100 to validate.

Data and network as in "Neural networks from scratch rebooted". Its weights have no seed there, so
one of ours.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Parameters
from scratch import breast_cancer
from scratch.breast_cancer import BATCH, LEARNING_RATE

SEED = 0
VALIDATION = 100


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes."""
    names = list(parameters)
    dtype = parameters[names[0]].dtype
    model = breast_cancer.article(SEED, dtype=dtype)
    model.set_weights(list(parameters.values()))
    activations = model.activations(batch.inputs)
    gradients = model.gradients(batch.inputs, batch.targets)
    mean, accuracy = model.train_on_batch(batch.inputs, batch.targets)
    counts = {f"dense_{i}": block.count_params() for i, block in enumerate(model.layers, start=1)}
    return {
        **{f"activation/dense_{i}": a for i, a in enumerate(activations, start=1)},
        # It tells the mean, but descends on the sum: the twins' loss is what the gradient is of.
        "loss": mean * batch.targets.size,
        **{f"gradient/{name}": each for name, each in zip(names, gradients, strict=True)},
        **{f"updated/{name}": each for name, each in zip(names, model.get_weights(), strict=True)},
        "accuracy": accuracy,
        "parameter_count": model.count_params(),
        **{f"parameter_count/{layer}": count for layer, count in counts.items()},
    }


def article() -> tuple[Batch, Batch]:
    """Training and validation batch; all 569 rows are standardised together."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import StandardScaler

    measured, labels = load_breast_cancer(return_X_y=True)
    inputs, targets = StandardScaler().fit_transform(measured), labels[:, None]
    training = Batch(inputs[VALIDATION:], targets[VALIDATION:])
    return training, Batch(inputs[:VALIDATION], targets[:VALIDATION])


def minibatch(data: Batch, step: int) -> Batch:
    """The step's batch: of each epoch in a fresh random order, as `fit` takes them."""
    samples = len(data.inputs)
    epoch, index = divmod(step, math.ceil(samples / BATCH))
    taken = list(breast_cancer.batches(samples, BATCH, np.random.default_rng((SEED, epoch))))
    return Batch(data.inputs[taken[index]], data.targets[taken[index]])


def initial() -> Parameters:
    """The model's own weights under the names compared."""
    weights = breast_cancer.article(SEED).get_weights()
    return {
        f"dense_{i // 2 + 1}/{('kernel', 'bias')[i % 2]}": array for i, array in enumerate(weights)
    }


PAIRING = Pairing(
    name="breast_cancer",
    network=Network(
        layers=(
            Dense(30, 128, "relu"),
            Dense(128, 64, "relu"),
            Dense(64, 32, "relu"),
            Dense(32, 1, "sigmoid"),
        ),
        loss=Loss("binary_cross_entropy", batch="sum"),
    ),
    subject=subject,
    data=lambda: article()[0],
    initial=initial,
    optimizer=GradientDescent(LEARNING_RATE),
    references={
        "keras": "reference/keras_models.py:breast_cancer",
        "torch": "reference/torch_models.py:breast_cancer",
    },
    minibatch=minibatch,
)
