"""clusters_minibatch: the network of `clusters` without penalty, on 100 points at a time.

Data and batches as in "Building a Neural Network from Scratch in Python and in TensorFlow". Its
weights have no seed there, so one of ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Parameters
from comparisons._evaluation import evaluation
from comparisons.clusters import article
from scratch.clusters import Clusters
from scratch.clusters_minibatch import LEARNING_RATE, initial_parameters, rows

SEED = 0


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes."""
    return evaluation(Clusters(parameters, l2=0.0), batch, LEARNING_RATE)


def minibatch(data: Batch, step: int) -> Batch:
    """The rows that the hand-written loop takes at this step."""
    taken = rows(step, len(data.inputs))
    return Batch(data.inputs[taken], data.targets[taken])


PAIRING = Pairing(
    name="clusters_minibatch",
    network=Network(
        layers=(Dense(2, 5, "relu"), Dense(5, 3, "softmax")),
        loss=Loss("categorical_cross_entropy"),
    ),
    subject=subject,
    data=lambda: article()[0],
    initial=lambda: initial_parameters(np.random.default_rng(SEED)),
    optimizer=GradientDescent(LEARNING_RATE),
    references={
        "keras": "reference/keras_models.py:clusters_minibatch",
        "torch": "reference/torch_models.py:clusters_minibatch",
    },
    minibatch=minibatch,
)
