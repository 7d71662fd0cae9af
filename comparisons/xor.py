"""xor: sigmoid, sigmoid, half the squared error; "Build Neural Network from Scratch"."""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Parameters
from comparisons._evaluation import evaluation
from scratch.xor import LEARNING_RATE, SEED, Xor, initial_parameters


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes."""
    return evaluation(Xor(parameters), batch, LEARNING_RATE)


def data() -> Batch:
    """The article's training data."""
    inputs = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=np.float64)
    return Batch(inputs, np.array([[0.0], [1.0], [1.0], [0.0]]))


PAIRING = Pairing(
    name="xor",
    network=Network(
        layers=(Dense(3, 4, "sigmoid", bias=False), Dense(4, 1, "sigmoid", bias=False)),
        loss=Loss("squared_error", batch="sum", scale=0.5),
        decision="threshold",
    ),
    subject=subject,
    data=data,
    initial=lambda: initial_parameters(np.random.RandomState(SEED)),
    optimizer=GradientDescent(LEARNING_RATE),
    references={"keras": "reference/keras_models.py:xor", "torch": "reference/torch_models.py:xor"},
)
