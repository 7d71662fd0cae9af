"""At MNIST's size against PyTorch itself: how far correct code is, and what is caught."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof.comparison.bounds.bound import apart
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.bounds.statistical import element_chance, replicas_at
from backproof.comparison.judging.judging import compare_point
from backproof.comparison.judging.rows import Grade, Row, Status
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.gauging.fuzzing.drawing import Case
from backproof.gauging.fuzzing.fuzzing import answered
from backproof.mathematics.arithmetic.random.spread import quantile
from tests.mathematics.arithmetic.random_networks import dense, point
from tests.workers import Shared

HERE = Point(DATA, 0)
SAMPLES = 128
SIZES = (784, 512, 256, 10)

pytestmark = pytest.mark.slow(10)


def record(dtype: str, shared: Shared, activation: str = "relu") -> Record:
    network = dense(SIZES, activation)
    return answered(Case(network, *point(network, SAMPLES, dtype)), shared("torch", dtype=dtype))


def rows(made: Record, bounds: Bounds) -> dict[str, Row]:
    found = compare_point(made, bounds, Certainty(made, wanted=False), "torch", HERE)
    return {row.name: row for row in found}


def test_an_error_of_twice_the_stated_power_is_caught_in_every_tensor(shared: Shared) -> None:
    """Each is judged alone, so that one is planted in all of them at once."""
    made = record("float32", shared)
    bounds = Bounds(made)
    right = rows(made, bounds)
    assert {row.status for row in right.values()} == {Status.MATCH}
    assert all(row.power <= 1e-3 for name, row in right.items() if "gradient" in name)
    given: dict[str, Any] = made.evaluations[SUBJECT][HERE]
    twin = made.evaluations["torch"][HERE]
    for name, row in right.items():
        assert row.power is not None
        wrong = np.array(given[name])
        # Where it is hardest to see: there the element itself is smallest.
        smallest = np.abs(wrong).argmin() if wrong.shape else 0
        wrong.flat[smallest] += np.float32(2 * row.power * np.abs(twin[name]).max())
        given[name] = wrong
    found = rows(made, bounds)
    assert len(found) >= 16
    missed = {name for name, row in found.items() if row.status is not Status.MISMATCH}
    assert not missed
    assert Grade.STATISTICAL in {row.grade for row in found.values()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_of_a_million_elements_one_in_a_thousand_exceeds_what_has_that_chance(
    dtype: str, activation: str, shared: Shared
) -> None:
    """PyTorch's distance from the definition, and from NumPy, by the radius of that chance."""
    made = record(dtype, shared, activation)
    bound = Bounds(made).statistical("torch", HERE, same_branches=True)
    replicas = replicas_at(made, HERE)
    narrower = quantile(replicas, 1e-3) / quantile(replicas, element_chance(made))
    assert narrower < 0.5
    own = Bounds(made).statistical(SUBJECT, HERE, same_branches=True)
    count = exceeding = apart_by = 0
    for name, value in made.evaluations["torch"][HERE].items():
        if name not in bound.radii:
            continue
        theirs = np.asarray(value, np.float64)
        gap = np.abs(theirs - bound.values[name])
        exceeding += int((gap > narrower * bound.radii[name]).sum())
        between = np.abs(theirs - made.evaluations[SUBJECT][HERE][name])
        apart_by += int((between > narrower * apart(own, bound, name)).sum())
        count += gap.size
    assert count > 1_000_000
    assert exceeding <= 1e-3 * count
    assert apart_by <= 1e-3 * count
