"""Thresholds: found between two elements, by sums alone, and told by round numbers."""

from __future__ import annotations

import numpy as np

from backproof.comparison.diagnosis.scan import Terms, cuts, round_numbers


def point(seed: int, used) -> Terms:
    """Forty elements in eight sums; ``used`` of an element's quantity, the right and the bare."""
    stream = np.random.default_rng(seed)
    quantity, slope, g = stream.normal(size=(3, 40))
    inputs = stream.normal(size=(40, 8))
    right, bare = (slope * g)[:, None] * inputs, g[:, None] * inputs
    computed = (used(quantity, slope) * g) @ inputs
    return Terms(quantity, right, bare, right.sum(axis=0) - computed, np.full(8, 1e-12))


def of_several(used):
    return list(cuts([point(seed, used) for seed in range(4)]))


def test_a_slope_that_is_cut_off_is_found_with_the_interval_of_its_threshold() -> None:
    (cut,) = of_several(lambda q, s: np.where(q > 0.7, 0, s))
    assert cut.above
    assert not cut.instead
    assert cut.factor == 0
    assert cut.low <= 0.7 <= cut.high
    assert cut.high - cut.low < 0.1


def test_a_number_in_the_place_of_a_slope_and_a_factor_on_one_side_are_told_apart() -> None:
    (constant,) = of_several(lambda q, s: np.where(q < -0.5, 0.25, s))
    assert (constant.above, constant.instead, constant.factor) == (False, True, 0.25)
    (times,) = of_several(lambda q, s: np.where(q < -0.5, 3 * s, s))
    assert (times.above, times.instead, times.factor) == (False, False, 3)


def test_what_no_threshold_explains_is_not_explained() -> None:
    assert of_several(lambda q, s: s + 0.1 * q) == []
    assert of_several(lambda q, s: np.where(np.sin(9 * q) > 0, 0, s)) == []


def test_a_threshold_that_one_point_disproves_is_none() -> None:
    points = [point(seed, lambda q, s: np.where(q > 0.7, 0, s)) for seed in range(3)]
    points.append(point(9, lambda q, s: np.where(q > -0.7, 0, s)))
    assert list(cuts(points)) == []


def test_numbers_of_few_digits_come_first() -> None:
    assert round_numbers(-0.3, 0.4) == [0]
    assert round_numbers(5.9, 6.2) == [6]
    assert round_numbers(-0.0123, -0.0098) == [-0.01]
    assert round_numbers(4.4, 4.6)[0] == 4.5
    assert set(round_numbers(2.5, 6.5)) == {3, 4, 5, 6}
    assert round_numbers(2.5, 6.5)[0] == 5
