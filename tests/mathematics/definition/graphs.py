"""Networks that are no chains of dense layers under a loss of their last function."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backproof.mathematics.layers.public import (
    Activation,
    Add,
    Branches,
    Concatenate,
    Dense,
    Flatten,
    Multiply,
    Residual,
    Sequential,
)
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node, Shared
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.penalty import Penalty

SQUARES = Loss("squared_error")
GRAPHS = {
    "skips": Network(
        (Dense(3, 4, "tanh"), Residual(Dense(4, 2, "tanh"), Dense(2, 4)), Dense(4, 2)), SQUARES
    ),
    "three takers": Network(
        (
            Node("stem", Dense(3, 3, "tanh")),
            Node("left", Dense(3, 3, "sigmoid"), "stem"),
            Node("right", Dense(3, 3, "tanh"), "stem"),
            Node("sum", Add(), ("stem", "left", "right")),
            Node("top", Dense(3, 2)),
        ),
        Loss("squared_error", outputs="mean", scale=0.7),
    ),
    "taken twice": Network(
        (Node("a", Dense(3, 2, "tanh")), Node("square", Multiply(), ("a", "a")), Dense(2, 2)),
        SQUARES,
    ),
    "skips to the end": Network(
        (
            Branches(Concatenate(), Dense(3, 2, "tanh"), Sequential()),
            Residual(Dense(5, 5, "softplus")),
        ),
        Loss("categorical_cross_entropy"),
    ),
    "shared": Network(
        (
            Node("a", Dense(3, 3, "tanh")),
            Node("b", Dense(3, 3, "sigmoid"), shared={"kernel": Shared("a/kernel")}),
            Node(
                "c",
                Dense(3, 3, "tanh"),
                shared={"kernel": Shared("a/kernel", True), "bias": Shared("b/bias")},
            ),
        ),
        SQUARES,
        Penalty(l2=0.1, biases=True),
    ),
    "penalties by node": Network(
        (Dense(3, 3, "tanh"), Dense(3, 2, "tanh"), Dense(2, 2)),
        SQUARES,
        {"dense_1": Penalty(l2=0.1), "dense_3": Penalty(l1=0.02, biases=True)},
    ),
    "penalties over samples": Network(
        (Dense(3, 3, "tanh"), Dense(3, 2)), SQUARES, Penalty(l1=0.02, l2=0.3, batch="mean")
    ),
    "fused apart": Network(
        (Dense(3, 4, "tanh"), Dense(4, 3), Activation("softmax")),
        Loss("categorical_cross_entropy", batch="sum"),
    ),
    "logits": Network((Dense(3, 4, "tanh"), Dense(4, 2)), Loss("binary_cross_entropy")),
    "of outputs": Network(
        (Dense(3, 4, "tanh"), Dense(4, 2, "softmax")), Loss("binary_cross_entropy", outputs="mean")
    ),
    "positions": Network(
        (Dense(3, 3, "tanh"), Dense(3, 2, "softmax")),
        Loss("categorical_cross_entropy"),
        inputs=(4, 3),
    ),
    "positions joined": Network(
        (Dense(2, 2, "tanh"), Flatten(), Dense(12, 2)),
        Loss("squared_error", batch="sum", outputs="mean"),
        inputs=(3, 2, 2),
    ),
    "weighted": Network((Dense(3, 3, "tanh"), Dense(3, 2)), SQUARES, inputs=(2, 3)),
}


def weighted(batch: Batch) -> Batch:
    """With a weight for each sample, one of them 0."""
    weights = np.linspace(0, 2, len(batch.inputs))
    return replace(batch, weights=weights)
