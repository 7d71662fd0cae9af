"""Biases that nothing depends on: those before a norm that ignores shifts."""

from __future__ import annotations

import pytest

from backproof.mathematics.layers.add import Add
from backproof.mathematics.layers.batch_norm import BatchNorm
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.layers.layer import Layer
from backproof.mathematics.layers.layer_norm import LayerNorm
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node
from backproof.mathematics.network.penalty import Penalty

LOSS = Loss("squared_error")


def test_a_bias_before_a_batch_norm_is_told_with_its_kernel() -> None:
    network = Network((Dense(2, 3), BatchNorm(), Dense(3, 1)), LOSS)
    assert network.unmoved == {"dense_1/bias": "dense_1/kernel"}


@pytest.mark.parametrize(
    "layers",
    [
        (Dense(2, 3, "relu"), BatchNorm()),
        (Dense(2, 3, bias=False), BatchNorm()),
        (Dense(2, 3), LayerNorm()),
        (Dense(2, 3), BatchNorm(training=False)),
    ],
)
def test_others_are_not(layers: tuple[Layer, ...]) -> None:
    assert Network((*layers, Dense(3, 1)), LOSS).unmoved == {}


def test_nor_is_one_that_something_else_takes_or_a_penalty_moves() -> None:
    skipping = Network(
        (
            Node("below", Dense(2, 3)),
            Node("norm", BatchNorm()),
            Node("sum", Add(), ("norm", "below")),
            Node("above", Dense(3, 1)),
        ),
        LOSS,
    )
    assert skipping.unmoved == {}
    penalised = Network((Dense(2, 3), BatchNorm()), LOSS, Penalty(l2=0.1, biases=True))
    assert penalised.unmoved == {}
