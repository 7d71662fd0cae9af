"""breast_cancer: the parameter counts, and loss and validation accuracy every 100 epochs."""

from __future__ import annotations

import numpy as np

from backproof.reproduction import Effect, Erratum, Key, Reproduction, Sampling
from comparisons.breast_cancer import PAIRING
from comparisons.breast_cancer import article as data
from comparisons.reproduce._training import untrained
from scratch.breast_cancer import BATCH, EPOCHS, article
from scratch.dense_block import DenseBlock
from scratch.training import Array

PRINTED = range(100, EPOCHS + 1, 100)
COMPARED_SEEDS = (0, 1, 2)
FEW_EPOCHS = 100


def sample(seed: int) -> dict[Key, float]:
    """Loss of the last batch and validation accuracy, from a seed of weights and batches."""
    history = fitted(seed)
    found = {}
    for epoch in PRINTED:
        found[Key("last_batch_loss", None, epoch)] = history["last_batch_loss"][epoch - 1]
        found[Key("validation_accuracy", None, epoch)] = history["val_accuracy"][epoch - 1]
    return found


def fitted(seed: int, block: type[DenseBlock] = DenseBlock) -> dict[str, list[float]]:
    """The history of a whole training."""
    train, validation = data()
    told = article(seed, block=block).fit(
        train.inputs,
        train.targets,
        batch_size=BATCH,
        epochs=EPOCHS,
        validation_set=(validation.inputs, validation.targets),
    )
    return told.history


class ScalarBias(DenseBlock):
    """A block as published: one number moves all its biases."""

    def bias_gradient(self, delta: Array) -> Array:
        """Return the mean over units and samples, for each unit."""
        return np.full_like(self.bias, delta.mean())


def effect_of_scalar() -> tuple[Effect, ...]:
    """Validation accuracy after all epochs, over a few seeds."""
    ranges = []
    for block in (ScalarBias, DenseBlock):
        ends = [fitted(seed, block)["val_accuracy"][-1] for seed in COMPARED_SEEDS]
        ranges.append(f"{min(ends):.2f} to {max(ends):.2f}")
    return (Effect(f"validation accuracy, {len(COMPARED_SEEDS)} seeds", *ranges),)


def effect_of_global() -> tuple[Effect, ...]:
    """Validation accuracy of a second model, after its ``fit`` has trained the first."""
    train, validation = data()
    first, second, own = article(0), article(1), article(1)
    for trained in (first, own):  # as published, second.fit trains the global model, the first
        trained.fit(train.inputs, train.targets, batch_size=BATCH, epochs=FEW_EPOCHS)
    accuracies = [
        f"{each.evaluate(validation.inputs, validation.targets)[1]:.2f}" for each in (second, own)
    ]
    return (Effect(f"accuracy of a second model after its own {FEW_EPOCHS} epochs", *accuracies),)


REPRODUCTION = Reproduction(
    system="breast_cancer",
    article='"Neural networks from scratch rebooted" (Alex Olar)',
    training=untrained(PAIRING),
    sampling=Sampling(sample, seconds=2),
    remarks=(
        "The published run has no seed, and its code the first erratum below; the samples are of "
        "the corrected network, from seeds of the weights and of the order of the batches.",
    ),
    errata=(
        Erratum(
            name="one gradient for all biases",
            where="code",
            told="The bias gradient of a layer is one number, the mean over units and samples, so "
            "that all its biases move alike. The accuracy cannot see it.",
            printed="∂L/∂b_k = mean over units and samples of Δ",
            correct="∂L/∂b_k = Σ over samples of Δ_k",
            pairing=PAIRING,
            fault="bias/gradient_averaged_over_all",
            effect=effect_of_scalar,
            seconds=12,
        ),
        Erratum(
            name="fit of another model",
            where="code",
            told="The method that fits a model trains one of a global name, not its own. No "
            "comparison of one model sees it; one of a second model does.",
            printed="model.backward(…)",
            correct="self.backward(…)",
            effect=effect_of_global,
            seconds=1,
        ),
    ),
)
