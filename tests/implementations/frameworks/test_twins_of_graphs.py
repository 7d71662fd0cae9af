"""Twins of graphs where frameworks, or our ports to them, have their traps."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.run import Workers
from backproof.gauging.fuzzing.drawing import Case
from backproof.gauging.fuzzing.fuzzing import compared
from backproof.mathematics.layers.activation import Activation
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.layers.embedding import Embedding
from backproof.mathematics.layers.global_average_pool import GlobalAveragePool
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node, Shared
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.workers import Shared as SharedWorkers

KERNEL, BIAS = Shared("first/kernel"), Shared("second/bias")
NETWORKS = {
    # The second node shares one parameter and lends the other.
    "lent by one that shares": Network(
        (
            Node("first", Dense(3, 3, "tanh", bias=False)),
            Node("second", Dense(3, 3, "relu"), shared={"kernel": KERNEL}),
            Node("third", Dense(3, 3), shared={"bias": BIAS}),
            Node("last", Dense(3, 3), shared={"kernel": Shared("third/kernel", True)}),
        ),
        Loss("squared_error"),
    ),
    # TensorFlow leaves the gradient of a table as rows and their places, some of them twice.
    "a table behind the inputs alone": Network(
        (Embedding(3, 5), GlobalAveragePool()), Loss("squared_error"), inputs=(8,)
    ),
    # Keras hands the argument of the first function to the loss.
    "a softmax of a sigmoid": Network(
        (Dense(3, 4, "sigmoid"), Activation("softmax")), Loss("categorical_cross_entropy")
    ),
    "a sigmoid of a softmax": Network(
        (Dense(3, 4, "softmax"), Activation("sigmoid")), Loss("binary_cross_entropy")
    ),
    "a sigmoid as logits": Network(
        (Dense(3, 4, "sigmoid"), Activation("linear")), Loss("categorical_cross_entropy")
    ),
}


@pytest.fixture(scope="module", params=["keras", "torch", "jax"])
def workers(request: pytest.FixtureRequest, shared: SharedWorkers) -> Workers:
    return shared(request.param)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_twin_says_what_the_definition_says(network: Network, workers: Workers) -> None:
    stream = np.random.default_rng(0)
    case = Case(network, drawn_parameters(network, stream), drawn_batch(network, stream))
    rows = compared(case, workers).rows
    assert {row.status for row in rows} == {Status.MATCH}, rows
