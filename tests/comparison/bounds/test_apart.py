"""How far two implementations may be apart: random errors add up by their squares."""

from __future__ import annotations

from math import hypot, inf, sqrt

import numpy as np
import pytest

from backproof.comparison.bounds.bound import Bound, apart
from backproof.mathematics.arithmetic.random.spread import quantile

NOWHERE = np.array([], np.intp)


def bound(radius: float, random: float | None = None) -> Bound:
    drawn = {} if random is None else {"x": np.array([random])}
    return Bound({"x": np.ones(1)}, {"x": np.array([radius])}, NOWHERE, drawn)


@pytest.mark.parametrize(
    ("mine", "its", "expected"),
    [
        (bound(3.0, 3.0), bound(4.0, 4.0), 5.0),
        (bound(3.5, 3.0), bound(4.25, 4.0), 5.75),
        (bound(3.0, 3.0), bound(4.0), 7.0),
        (bound(3.0, 3.0), bound(4.0, 0.0), 7.0),
        (bound(3.0), bound(4.0), 7.0),
        (bound(0.0, 0.0), bound(0.0, 0.0), 0.0),
        (bound(inf, 3.0), bound(4.0, 4.0), inf),
        (bound(inf, inf), bound(4.0, 4.0), inf),
    ],
)
def test_what_is_random_adds_up_by_squares_and_what_is_certain_as_it_is(mine, its, expected):
    assert apart(mine, its, "x")[0] == pytest.approx(expected)
    assert apart(its, mine, "x")[0] == pytest.approx(expected)


def test_two_of_one_model_are_apart_by_the_root_of_two():
    one = bound(3.5, 3.0)
    assert apart(one, one, "x")[0] == pytest.approx(3 * sqrt(2) + 1)


def test_where_the_worst_case_is_smaller_nothing_of_it_is_random():
    random = Bound(
        {"x": np.ones(3)}, {"x": np.array([3.0, 3, 3])}, NOWHERE, {"x": np.array([3.0, 3, 3])}
    )
    worst = Bound({"x": np.ones(3)}, {"x": np.array([2.0, 3, 9])}, NOWHERE)
    found = random.narrowed(worst)
    assert found.radii["x"].tolist() == [2, 3, 3]
    assert found.random["x"].tolist() == [0, 3, 3]


@pytest.mark.parametrize("ratio", [1.0, 0.3, 0.0])
@pytest.mark.parametrize("alike", [True, False], ids=["one spread", "two spreads"])
def test_two_exceed_it_no_more_often_than_one(ratio: float, alike: bool) -> None:
    """By spreads of few replicas, which may be those of both, or of each."""
    elements, replicas, chance = 400_000, 8, 1e-3
    random = np.random.default_rng(1)
    t = quantile(replicas, chance)

    def spread() -> np.ndarray:
        return np.asarray(np.sqrt((random.normal(size=(replicas, elements)) ** 2).mean(axis=0)))

    first = spread()
    second = ratio * (first if alike else spread())
    gap = np.abs(random.normal(size=elements) - ratio * random.normal(size=elements))
    bounds = [
        Bound({"x": first}, {"x": t * each}, NOWHERE, {"x": t * each}) for each in (first, second)
    ]
    exceeding = (gap > apart(*bounds, "x")).mean()
    assert exceeding <= chance + 4 * sqrt(chance / elements)
    if alike or not ratio:  # then it is Student's t, and no narrower bound would do
        assert exceeding >= chance - 4 * sqrt(chance / elements)
    assert apart(*bounds, "x")[0] == pytest.approx(t * hypot(first[0], second[0]))
