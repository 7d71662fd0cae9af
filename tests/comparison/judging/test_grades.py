"""Grades: the worst case where it says enough, else random rounding errors at a stated chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backproof.comparison.bounds.bound import enough
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.judging.judging import compare_point
from backproof.comparison.judging.rows import SHARED_WAY, WAY, Grade, Row, Status
from backproof.comparison.record import FALSE_ALARM
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from backproof.mathematics.probes.probes import probes
from tests.comparison.diagnosis.grounds import judged, record_of
from tests.halves import slow_but

WIDE = Network(
    (Dense(500, 400, "tanh"), Dense(400, 300, "tanh"), Dense(300, 5, "softmax")),
    Loss("categorical_cross_entropy"),
)
NAME = "gradient/dense_1/kernel"
HERE = Point(DATA, 0)


def record(dtype: str = "float32", network: Network = WIDE, chance: float = FALSE_ALARM) -> Record:
    """A correct evaluation at one point."""
    stream = np.random.default_rng(5)
    state = {k: v.astype(dtype) for k, v in drawn_parameters(network, stream).items()}
    batch = drawn_batch(network, stream, 40).astype(dtype)
    made = record_of(network, GradientDescent(0.1), (state, batch), steps=1, points=[], dtype=dtype)
    return replace(made, chance=chance)


def rows(made: Record) -> dict[str, Row]:
    bounds, certainty = Bounds(made), Certainty(made, wanted=False)
    return {row.name: row for row in compare_point(made, bounds, certainty, "torch", HERE)}


def test_the_worst_case_says_nothing_of_wide_networks_in_float32():
    assert rows(record(chance=0.0))[NAME].status is Status.UNDECIDED


def test_random_rounding_errors_decide_them():
    found = rows(record())
    assert {row.status for row in found.values()} == {Status.MATCH}
    assert found[NAME].grade is Grade.STATISTICAL
    gradients = [row for name, row in found.items() if name.startswith("gradient/")]
    assert all(row.power is not None and row.power < 1e-3 for row in gradients)
    assert all((row.bound_used or 0) < 0.25 for row in gradients)


def test_what_the_worst_case_decides_is_proven():
    small = Network((Dense(2, 3, "tanh"), Dense(3, 1, "sigmoid")), Loss("binary_cross_entropy"))
    found = rows(record("float64", small))
    assert {row.grade for row in found.values()} == {Grade.PROVEN}
    assert all((row.power or 0) <= enough("float64", "general") for row in found.values())


GRADIENTS = [f"gradient/dense_{i}/{own}" for i in (1, 2, 3) for own in ("kernel", "bias")]


@pytest.mark.parametrize("name", slow_but(GRADIENTS[:1], GRADIENTS, 0.5))
def test_an_error_of_the_stated_power_is_a_mismatch_at_the_stated_chance(name: str):
    made = record()
    power = rows(made)[name].power
    assert power is not None
    given: Any = made.evaluations[SUBJECT][HERE]
    wrong = given[name].copy()
    wrong.flat[np.abs(wrong).argmin()] += np.float32(1.01 * power * np.abs(wrong).max())
    given[name] = wrong
    found = rows(made)[name]
    assert found.status is Status.MISMATCH
    assert found.grade is Grade.STATISTICAL
    assert f"a chance of {FALSE_ALARM:.2g} in all its comparisons" in found.detail
    made.chance = 0.0
    assert rows(made)[name].status is not Status.MISMATCH


def test_what_exceeds_the_worst_case_is_proven_wrong():
    made = record()
    given: Any = made.evaluations[SUBJECT][HERE]
    given[NAME] = given[NAME] + np.float32(1e6)
    found = rows(made)[NAME]
    assert (found.status, found.grade) == (Status.MISMATCH, Grade.PROVEN)
    assert "chance" not in found.detail


def kinked(*, above: bool = True) -> Record:
    """A unit whose side is open: 40 products that add up to less than they round.

    ``above``: whether rounding leaves it on its side.
    """
    network = Network((Dense(40, 2, "relu"), Dense(2, 1)), Loss("squared_error"))
    made = record("float32", network)
    state, batch = made.parameters[HERE], made.batches[DATA]
    rough = (batch.inputs @ state["dense_1/kernel"])[:, 0]
    exact = (batch.inputs.astype(float) @ state["dense_1/kernel"].astype(float))[:, 0]
    chosen = np.argmax(exact - rough if above else rough - exact)
    state["dense_1/bias"][0] = np.nextafter(-rough[chosen], np.float32(np.inf))
    again = record_of(
        network, GradientDescent(0.1), (state, batch), steps=1, points=[], dtype="float32"
    )
    return replace(again, chance=FALSE_ALARM)


def test_an_open_unit_is_compared_along_the_definitions_way_and_as_strongly():
    found = rows(kinked())[NAME]
    assert found.status is Status.MATCH
    assert found.detail == WAY
    assert found.power is not None
    assert found.power < 1e-4


def test_where_both_took_the_other_side_they_are_compared_along_theirs():
    made = kinked(above=False)
    state = made.parameters[HERE]
    z = made.batches[DATA].inputs.astype(float) @ state["dense_1/kernel"].astype(float)
    near = np.abs(z + state["dense_1/bias"])[:, 0].argmin()
    for who in (SUBJECT, "torch"):
        shown: Any = made.evaluations[who][HERE]["activation/dense_1"]
        assert (shown[near, 0] > 0) != (z[near, 0] + state["dense_1/bias"][0] > 0)
    found = rows(made)[NAME]
    assert (found.status, found.detail) == (Status.MATCH, SHARED_WAY)
    assert found.power is not None
    assert found.power < 1e-4
    alone: Any = made.evaluations[SUBJECT][HERE]
    alone[NAME] = alone[NAME] * np.float32(1.001)  # within what an open unit may change
    assert rows(made)[NAME].detail != SHARED_WAY


def test_the_other_side_is_no_mismatch():
    made = kinked()
    given: Any = made.evaluations[SUBJECT][HERE]

    def turned(name: str, value: Any, scope: Any) -> Any:
        if name == "z/dense_1":
            value = value.copy()
            value[np.abs(value) < 1e-5] *= -1
        return value

    wrong = computed(
        made.network, made.optimizer, made.parameters[HERE], made.batches[DATA], turned
    )
    given[NAME] = np.asarray(wrong[NAME])
    assert not np.array_equal(given[NAME], made.evaluations["torch"][HERE][NAME])
    found = rows(made)[NAME]
    assert found.status is not Status.MISMATCH


def test_a_record_that_is_stored_is_judged_the_same(tmp_path):
    made = record()
    made.save(tmp_path / "kept")
    kept = Record.load(tmp_path / "kept")
    assert kept.chance == FALSE_ALARM
    assert judged(kept) == judged(made)


def test_what_is_left_out_changes_no_chance():
    made = record()
    count = made.count()
    assert count > sum(np.size(value) for value in made.evaluations["torch"][HERE].values()) - 10
    assert made.without({HERE}, []).count() == count


@pytest.mark.slow(8)
def test_a_mismatch_that_only_random_errors_show_is_explained():
    def larger(name: str, value: Any, scope: Any) -> Any:
        return value * 1.02 if name == "delta/dense_2" else value

    optimizer = GradientDescent(0.1)
    general = [probe for probe in probes(WIDE, optimizer, "float32") if probe.name == "general"]
    made = record_of(WIDE, optimizer, points=general, intervene=larger, dtype="float32")
    found = {row.name: row for row in judged(replace(made, chance=FALSE_ALARM))}
    assert found["gradient/dense_2/kernel"].grade is Grade.STATISTICAL
    assert "1.02 times" in found["gradient/dense_2/kernel"].cause
    assert all(row.status is not Status.MISMATCH for row in judged(made))


def test_a_probe_that_screens_asks_for_fewer_digits() -> None:
    assert enough("float64", "many_samples") == enough("float64", "samples_5") > 1e-9
    assert enough("float64", "general") == enough("float64", "data") == 1e-10
    assert enough("float64", "data", step=1) == 1e-9
    assert enough("float32", "many_samples") == enough("float32", "general")
