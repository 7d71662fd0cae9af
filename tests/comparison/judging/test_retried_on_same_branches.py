"""A kink within rounding: two that went the definition's way match, another way is no mismatch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.judging.judging import compare_point
from backproof.comparison.judging.rows import WAY, Row, Status
from backproof.comparison.record.record import DATA, Point, Record
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from tests.comparison.diagnosis.grounds import record_of

NAME = "gradient/dense_1/kernel"
ACTIVATIONS = ("relu", "leaky_relu", "selu")


def record(activation: str, intervene: Intervention = unchanged) -> Record:
    """Two units, of which one is at 2⁻⁵³, far less than the products that it is the sum of."""
    network = Network((Dense(1, 2, activation), Dense(2, 1)), Loss("squared_error"))
    parameters = {
        "dense_1/kernel": np.array([[1.0, 2.0]]),
        "dense_1/bias": np.array([2.0**-53 - 1, 0.5]),
        "dense_2/kernel": np.array([[1.0], [-1.0]]),
        "dense_2/bias": np.array([0.25]),
    }
    batch = Batch(np.array([[1.0]]), np.array([[1.0]]))
    return record_of(
        network, GradientDescent(0.1), (parameters, batch), steps=1, points=[], intervene=intervene
    )


def row(found: Record) -> Row:
    bounds, certainty = Bounds(found), Certainty(found, wanted=False)
    rows = compare_point(found, bounds, certainty, "torch", Point(DATA, 0))
    return next(each for each in rows if each.name == NAME)


def times(factor: float) -> Intervention:
    """What is passed back to the unit at its kink is multiplied."""

    def changed(name: str, value: Any, scope: object) -> Any:
        return value * np.array([factor, 1.0]) if name == "delta/dense_1" else value

    return changed


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_both_on_the_side_of_the_value_match(activation: str) -> None:
    found = row(record(activation))
    assert found.status is Status.MATCH
    assert found.detail == WAY
    assert found.power is not None
    assert found.power < 1e-13


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_bounds_of_all_correct_code_leave_it_open(
    activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rounding, "on_same_branches", lambda rounding: rounding)
    found = row(record(activation))
    assert found.status is Status.UNDECIDED
    assert found.cause.startswith("power")


@pytest.mark.parametrize(
    ("activation", "factor", "status"),
    [
        ("relu", 0.0, Status.UNDECIDED),  # the other side
        ("leaky_relu", 0.01, Status.UNDECIDED),
        ("relu", 1 + 1e-9, Status.UNDECIDED),  # wrong, which only the narrow bound can tell
        ("relu", 5.0, Status.MISMATCH),
        ("leaky_relu", 5.0, Status.MISMATCH),
    ],
)
def test_another_way_is_no_mismatch_and_no_match(
    activation: str, factor: float, status: Status
) -> None:
    assert row(record(activation, times(factor))).status is status


def test_what_is_exercised_is_judged_by_the_bounds_of_every_way() -> None:
    """A layer whose only unit is at its kink may pass nothing back, whichever way ours went."""
    network = Network((Dense(1, 1, "relu"), Dense(1, 1)), Loss("squared_error"))
    parameters = {
        "dense_1/kernel": np.array([[1.0]]),
        "dense_1/bias": np.array([2.0**-53 - 1]),
        "dense_2/kernel": np.array([[1.0]]),
        "dense_2/bias": np.array([0.25]),
    }
    batch = Batch(np.array([[1.0]]), np.array([[1.0]]))
    found = record_of(network, GradientDescent(0.1), (parameters, batch), steps=1, points=[])
    bounds, point = Bounds(found), Point(DATA, 0)
    bounds.at("torch", point)
    before = dict(bounds.idle[DATA, 0])
    assert NAME in before
    bounds.at("torch", point, same_branches=True)
    assert bounds.idle[DATA, 0] == before
