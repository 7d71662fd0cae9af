"""circles: ReLU, ReLU, sigmoid, binary cross-entropy; two noisy circles of 1000 points.

Data and weights as in "Implementing Neural Network Algorithm with NumPy".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Parameters
from comparisons._evaluation import evaluation
from scratch.circles import LEARNING_RATE, SEED, Circles, initial_parameters


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes."""
    return evaluation(Circles(parameters), batch, LEARNING_RATE)


def data() -> Batch:
    """The article's training data."""
    from sklearn.datasets import make_circles

    inputs, labels = make_circles(n_samples=1000, noise=0.05, random_state=SEED)
    return Batch(inputs, labels[:, None])


PAIRING = Pairing(
    name="circles",
    network=Network(
        layers=(Dense(2, 10, "relu"), Dense(10, 5, "relu"), Dense(5, 1, "sigmoid")),
        loss=Loss("binary_cross_entropy"),
    ),
    subject=subject,
    data=data,
    initial=lambda: initial_parameters(np.random.RandomState(SEED)),
    optimizer=GradientDescent(LEARNING_RATE),
    references={
        "keras": "reference/keras_models.py:circles",
        "torch": "reference/torch_models.py:circles",
    },
)
