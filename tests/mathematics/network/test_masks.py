"""Masks that come with a batch: checked, drawn where they are missing, and stored with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.batch_norm import BatchNorm
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.layers.dropout import Dropout
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.masks import enough_samples, masked
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from backproof.mathematics.probes.probes import probes

DROPPING = Network((Dense(2, 3), Dropout(0.25), Dense(3, 1)), Loss("squared_error"))
NORMED = Network((Dense(2, 3), BatchNorm(), Dense(3, 1)), Loss("squared_error"))


def batch(**masks: Any) -> Batch:
    return Batch(np.ones((4, 2)), np.ones((4, 1)), masks=masks)


@pytest.mark.parametrize(
    ("masks", "said"),
    [
        ({"dropout_1": np.ones((4, 2))}, "has a mask of shape (4, 2) for dropout_1"),
        ({"dropout_1": np.ones((4, 2))}, "that node, and so its mask, is (4, 3)"),
        ({"drop": np.ones((4, 3))}, "a mask for 'drop'; the nodes that take one are dropout_1"),
    ],
)
def test_a_mask_that_does_not_fit_is_told(masks: Any, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        masked(DROPPING, batch(**masks), "data")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.full((4, 3), 2.0), "holds 2; give 1 for what is kept and 0 for what is dropped"),
        (np.full((4, 3), np.nan), "holds nan; give 1"),
        (np.ones((3, 3)), "has shape (3, 3); give (samples, …)"),
        (["a"], "it holds <U1 values; give numbers"),
    ],
)
def test_a_mask_of_other_values_is_told(mask: Any, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        batch(dropout_1=mask)
    assert said in str(refused.value)


def test_masks_that_are_no_table_are_told() -> None:
    with pytest.raises(UsageError, match="give a dict of masks by the names of nodes"):
        Batch(np.ones((4, 2)), np.ones((4, 1)), masks=np.ones((4, 3)))  # type: ignore[arg-type]


def test_one_that_is_missing_is_drawn_alike_each_time_and_by_the_layer() -> None:
    many = drawn_batch(DROPPING, np.random.default_rng(0), 1000)
    again = drawn_batch(DROPPING, np.random.default_rng(1), 1000)
    mask = many.masks["dropout_1"]
    assert np.array_equal(mask, again.masks["dropout_1"])
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert abs(mask.mean() - 0.75) < 0.05
    other = masked(DROPPING, batch(), "other").masks["dropout_1"]
    assert not np.array_equal(other, masked(DROPPING, batch(), "data").masks["dropout_1"])


def test_a_batch_is_its_arrays_in_any_dtype() -> None:
    given = batch(dropout_1=np.eye(4, 3)).astype("float32")
    assert given.masks["dropout_1"].dtype == np.float32
    again = Batch.of(given.arrays())
    assert np.array_equal(again.masks["dropout_1"], np.eye(4, 3))
    assert given.astype("float32") is given
    with pytest.raises(ValueError, match="read-only"):
        given.masks["dropout_1"][0, 0] = 5


def test_without_a_mask_nothing_is_evaluated() -> None:
    parameters = drawn_parameters(DROPPING, np.random.default_rng(0))
    with pytest.raises(UsageError, match="dropout_1 takes a mask that comes with the batch"):
        evaluate(Float(), DROPPING, parameters, batch())


def test_every_probe_has_its_masks() -> None:
    found = probes(DROPPING, GradientDescent(0.1), "float64")
    assert all(probe.batch.masks.keys() == {"dropout_1"} for probe in found)
    kept = {p.name: p.batch.masks["dropout_1"] for p in found if p.name.startswith("dropout_")}
    assert (kept["dropout_all_kept"] == 1).all()
    assert (kept["dropout_all_dropped"] == 0).all()
    assert (kept["dropout_one_sample_dropped"][0] == 0).all()


def test_too_few_samples_for_a_batch_norm_are_told() -> None:
    parameters = drawn_parameters(NORMED, np.random.default_rng(0))
    one = Batch(np.ones((1, 2)), np.ones((1, 1)))
    for refuse in (
        lambda: evaluate(Float(), NORMED, parameters, one),
        lambda: enough_samples(NORMED, 1),
    ):
        with pytest.raises(UsageError) as refused:
            refuse()
        assert "batch_norm_1 in training takes its variance over the samples" in str(refused.value)
        assert "has 1: give 2 or more" in str(refused.value)
    assert all(len(p.batch.inputs) > 1 for p in probes(NORMED, GradientDescent(0.1), "float64"))
    enough_samples(Network((Dense(2, 3), BatchNorm(training=False)), Loss("squared_error")), 1)
