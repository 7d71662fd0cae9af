"""layered: networks of several sizes, activations and losses; "Neural Networks 1".

The article has no data and no learning rate. The data are drawn from a seed, as the weights are,
and the rates are so small that no gradient passes through 0 within a hundred steps: there rounding
errors would stand against nothing, and float32 could decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from backproof import Batch, Decision, Dense, GradientDescent, Loss, Network, Pairing, Parameters
from comparisons._evaluation import evaluation
from scratch import layered as scratch

SAMPLES = 120

# The activations and losses of the hand-written class, each with its name, or its Loss, in
# backproof: losses are summed over outputs and samples.
ACTIVATIONS = {"sigmoid": scratch.Sigmoid(), "tanh": scratch.Tanh()}
SQUARED_ERROR = (scratch.SquaredError(), Loss("squared_error", batch="sum"))
HALF = (scratch.SquaredError(0.5), Loss("squared_error", batch="sum", scale=0.5))
CROSS_ENTROPY = (scratch.BinaryCrossEntropy(), Loss("binary_cross_entropy", batch="sum"))


@dataclass(frozen=True)
class Subject:
    """What the hand-written class computes as a network of these sizes."""

    sizes: tuple[int, ...]
    activation: scratch.Activation
    loss: scratch.Loss
    learning_rate: float
    classifies: bool

    def __call__(self, parameters: Parameters, batch: Batch) -> dict[str, Any]:
        """Everything by name; the gradients by the class's own interface, last layer first."""
        model = scratch.Layered(self.sizes, parameters, activation=self.activation, loss=self.loss)
        gradients = {}
        backwards = range(len(self.sizes) - 1, 0, -1)
        found = model.backpropagate(batch.inputs, batch.targets)
        for layer, (kernel, bias) in zip(backwards, found, strict=True):
            gradients[f"gradient/dense_{layer}/kernel"] = kernel
            gradients[f"gradient/dense_{layer}/bias"] = bias
        results = evaluation(model, batch, self.learning_rate) | gradients
        if not self.classifies:
            del results["accuracy"]
        return results


def pairing(
    name: str,
    sizes: tuple[int, ...],
    activation: str,
    losses: tuple[scratch.Loss, Loss],
    learning_rate: float,
    targets: Callable[[np.ndarray], np.ndarray],
    decision: Decision | None,
) -> Pairing:
    """The pairing of that name; its twins are the models of that name in reference/."""
    own, loss = losses

    def data() -> Batch:
        inputs = np.random.RandomState(1).randn(SAMPLES, sizes[0])
        return Batch(inputs, targets(inputs))

    return Pairing(
        name=name,
        network=Network(
            layers=tuple(Dense(*fans, activation) for fans in pairwise(sizes)),
            loss=loss,
            decision=decision,
        ),
        subject=Subject(sizes, ACTIVATIONS[activation], own, learning_rate, decision is not None),
        data=data,
        initial=lambda: scratch.initial_parameters(sizes, np.random.RandomState(0)),
        optimizer=GradientDescent(learning_rate),
        references={
            "keras": f"reference/keras_models.py:{name}",
            "torch": f"reference/torch_models.py:{name}",
        },
    )


def quadrants(x: np.ndarray) -> np.ndarray:
    """1 where the first two inputs have one sign."""
    return (x[:, :1] * x[:, 1:2] > 0).astype(np.float64)


def halves(x: np.ndarray) -> np.ndarray:
    """1 where the inputs' sum is positive."""
    return (x.sum(axis=1, keepdims=True) > 0).astype(np.float64)


def nearest(classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """One-hot: which of so many first inputs is the largest."""
    return lambda x: np.eye(classes)[x[:, :classes].argmax(axis=1)]


def waves(x: np.ndarray) -> np.ndarray:
    """Two smooth functions of the inputs, between -1 and 1: nothing to classify."""
    return np.column_stack([np.sin(x[:, 0]), np.cos(x[:, 1]) * np.tanh(x[:, 2])])


LAYERED = pairing("layered", (2, 3, 1), "sigmoid", SQUARED_ERROR, 0.005, quadrants, "threshold")
DEEP = pairing(
    "layered_deep", (4, 8, 7, 6, 5, 3), "tanh", SQUARED_ERROR, 0.002, nearest(3), "argmax"
)
REGRESSION = pairing("layered_half", (3, 10, 2), "tanh", HALF, 0.005, waves, None)
SEVERAL_OUTPUTS = pairing(
    "layered_cross_entropy", (5, 6, 4), "sigmoid", CROSS_ENTROPY, 0.02, nearest(4), "argmax"
)
NO_HIDDEN_LAYER = pairing(
    "layered_single", (6, 1), "sigmoid", CROSS_ENTROPY, 0.01, halves, "threshold"
)
