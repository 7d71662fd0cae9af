"""The clusters in mini-batches: the truncated draws, the article's slices, the loop."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest, truncnorm

from scratch import clusters_minibatch
from scratch.clusters import Clusters
from scratch.clusters_minibatch import BATCH, initial_parameters, rows, train, truncated_normal

RNG = np.random.default_rng(8)
INPUTS, TARGETS = RNG.normal(size=(420, 2)), np.eye(3)[RNG.integers(0, 3, 420)]


def network(seed: int = 0) -> Clusters:
    return Clusters(initial_parameters(np.random.default_rng(seed)), l2=0)


def test_what_lies_beyond_two_is_drawn_again_and_the_rest_kept() -> None:
    drawn = np.random.default_rng(1).standard_normal((200, 100))
    truncated = truncated_normal(np.random.default_rng(1), (200, 100))
    inside = np.abs(drawn) <= 2
    assert not inside.all()
    np.testing.assert_array_equal(truncated[inside], drawn[inside])
    assert np.abs(truncated).max() <= 2
    # One sample from a fixed seed, so the test has one answer; a clipped sample fails it.
    assert kstest(truncated.ravel(), truncnorm(-2, 2).cdf).pvalue > 0.05
    assert kstest(np.clip(drawn, -2, 2).ravel(), truncnorm(-2, 2).cdf).pvalue < 1e-6


def test_kernels_are_drawn_first_layer_first_and_biases_are_zero() -> None:
    stream = np.random.default_rng(2)
    parameters = initial_parameters(np.random.default_rng(2))
    for i, shape in ((1, (2, 5)), (2, (5, 3))):
        np.testing.assert_array_equal(
            parameters[f"dense_{i}/kernel"], truncated_normal(stream, shape)
        )
        assert not parameters[f"dense_{i}/bias"].any()


def test_batches_are_the_articles_slices() -> None:
    taken = [rows(step, 13_500) for step in range(clusters_minibatch.STEPS)]
    for step, batch in enumerate(taken):
        offset = (step * 100) % (13_500 - 100)
        assert (batch.start, batch.stop, batch.step) == (offset, offset + 100, None)
    assert max(batch.stop for batch in taken) == 13_400  # the last 100 rows are never seen
    assert len({batch.start for batch in taken}) == 134
    assert [rows(step, 420).start for step in range(5)] == [0, 100, 200, 300, 80]


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 100"):
        train(network(), INPUTS[:BATCH], TARGETS[:BATCH])


def test_training_is_a_step_on_each_batch() -> None:
    stepping, training = network(), network()
    losses = []
    for step in range(7):
        batch = rows(step, len(INPUTS))
        losses.append((step, stepping.step(INPUTS[batch], TARGETS[batch], 0.01)))
    told: list[tuple[int, Any]] = []
    train(training, INPUTS, TARGETS, steps=7, on_step=lambda *given: told.append(given))
    assert told == losses
    sparse: list[tuple[int, Any]] = []
    silent = network()
    train(silent, INPUTS, TARGETS, steps=7, on_step=lambda *g: sparse.append(g), at=range(0, 7, 3))
    assert sparse == losses[::3]
    for name, array in stepping.parameters.items():
        np.testing.assert_array_equal(training.parameters[name], array)
        np.testing.assert_array_equal(silent.parameters[name], array)
