"""clusters_minibatch: the losses of the first and the last batch, and the test accuracy."""

from __future__ import annotations

import numpy as np

from backproof import Batch
from backproof.reproduction import Effect, Erratum, Key, Reproduction, Sampling
from comparisons import clusters
from scratch import clusters as penalised
from scratch.clusters import Clusters
from scratch.clusters_minibatch import STEPS, initial_parameters, train

LAST = STEPS - 1


def sample(seed: int) -> dict[Key, float]:
    """The printed numbers, from weights of a seed."""
    _, test, _ = clusters.article()
    losses: dict[int, float] = {}
    model = trained(seed, losses)
    return {
        Key("minibatch_loss", None, 0): losses[0],
        Key("minibatch_loss", None, LAST): losses[LAST],
        Key("test_accuracy", None, LAST): model.accuracy(test.inputs, test.targets),
    }


def trained(seed: int, losses: dict[int, float]) -> Clusters:
    """The trained network; the losses of its first and last batch are added."""
    data, _, _ = clusters.article()
    model = Clusters(initial_parameters(np.random.default_rng(seed)), l2=0.0)
    train(
        model,
        data.inputs,
        data.targets,
        on_step=lambda step, loss: losses.__setitem__(step, float(loss)),
        at=(0, LAST),
    )
    return model


def effect_of_penalty() -> tuple[Effect, ...]:
    """Loss, as the two are compared, and accuracy of the network with penalty and without."""
    data, test, initial = clusters.article()
    models = [Clusters(initial, l2=l2) for l2 in (penalised.L2, 0.0)]
    for model in models:
        model.train(
            data.inputs,
            data.targets,
            learning_rate=penalised.LEARNING_RATE,
            steps=penalised.STEPS,
            at=(),
        )
    with_penalty = models[0].loss(data.inputs, data.targets)
    without = Clusters(models[0].parameters, l2=0.0).loss(data.inputs, data.targets)
    accuracies = [f"{model.accuracy(test.inputs, test.targets):.1%}" for model in models]
    return (
        Effect(
            "loss of the full-batch network beside this one",
            f"{with_penalty:.3f}, its penalty included",
            f"{without:.3f} on the data",
        ),
        Effect("test accuracy, trained with penalty and without", *accuracies),
    )


def effect_of_labels() -> tuple[Effect, ...]:
    """How many points of the test set the plot marks as wrong."""
    _, test, _ = clusters.article()
    predicted = trained(0, {}).predict(test.inputs)
    labels = labels_of(test)
    return (
        Effect(
            f"of {len(labels):,} points, marked as wrong",
            f"{np.count_nonzero(predicted != labels - 1):,}",
            f"{np.count_nonzero(predicted != labels):,}",
        ),
    )


def labels_of(batch: Batch) -> np.ndarray:
    """The classes, from 0."""
    return batch.targets.argmax(axis=1)


REPRODUCTION = Reproduction(
    system="clusters_minibatch",
    article='"Building a Neural Network from Scratch in Python and in TensorFlow", TensorFlow part',
    sampling=Sampling(sample),
    remarks=("TensorFlow's initialiser is not seeded; the seeds are those of the weights.",),
    errata=(
        Erratum(
            name="two different losses compared",
            where="comparison",
            told="The loss of this network is set beside that of the NumPy network, which contains "
            "a penalty: they are not the same loss.",
            printed="−1/n Σ Y ⊙ log P   beside   −1/n Σ Y ⊙ log P + ½ λ ΣW²",
            correct="the same loss for both",
            pairing=clusters.PAIRING,
            fault="penalty_form/missing",
            effect=effect_of_penalty,
            seconds=8,
        ),
        Erratum(
            name="labels of the last plot",
            where="plot",
            told="The plot of misclassified points compares predictions, which are classes from 0, "
            "with label − 1, as if labels began at 1; so it colours the wrong points.",
            printed="prediction ≠ label − 1",
            correct="prediction ≠ label",
            effect=effect_of_labels,
        ),
    ),
)
