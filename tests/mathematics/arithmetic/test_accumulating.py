"""Sums accumulated in a wider dtype: right ones in any order stay inside, narrow ones do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backproof.comparison.diagnosis.narrow_sums import NarrowSums, Order, orders
from backproof.mathematics.arithmetic.balls.accumulating import AccumulatingOps, balls_of
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.random import accumulating
from backproof.mathematics.arithmetic.random.accumulating import errors_of
from backproof.mathematics.arithmetic.random.spread import spreads
from backproof.mathematics.arithmetic.rounding.model import round_to
from backproof.mathematics.arithmetic.rounding.precision import Precision, from_json, to_json
from backproof.mathematics.errors import UsageError

WIDE, NARROW = Precision("bfloat16", "float32"), Precision("bfloat16")
N = 1500
RNG = np.random.default_rng(5)
MIXED = round_to(RNG.normal(size=(N, 6)), "bfloat16").astype(np.float64)
POSITIVE = round_to(RNG.uniform(0.5, 1, (N, 6)), "bfloat16").astype(np.float64)
OTHER = round_to(RNG.normal(size=(N, 6)), "bfloat16").astype(np.float64)
INDEX = np.arange(6) + np.zeros((N, 1), np.intp)

SUMS: dict[str, Callable[[Any, Any], Any]] = {
    "total": lambda ops, x: ops.total(x, 0),
    "over all": lambda ops, x: ops.total(x),
    "product": lambda ops, x: ops.matmul(ops.transpose(x), ops.exact(OTHER)),
    "affine": lambda ops, x: ops.affine(ops.transpose(x), ops.exact(OTHER), ops.exact(OTHER[0])),
    "by index": lambda ops, x: ops.scatter(ops.as_summand(x, N), INDEX, (6,)),
}


def off(value: Any, ball: Ball) -> float:
    """How far a value is from the exact one, by its radius."""
    assert ball.radius is not None
    return float((np.abs(value - ball.value) / ball.radius).max())


@pytest.mark.parametrize("terms", [MIXED, POSITIVE], ids=["mixed", "positive"])
@pytest.mark.parametrize("name", SUMS)
def test_right_sums_in_any_order_stay_inside_and_narrow_ones_do_not(name: str, terms: Any) -> None:
    ball = SUMS[name](ops := balls_of(WIDE.rounding()), ops.exact(terms))
    for order in list(orders())[:8]:
        right = SUMS[name](NarrowSums("float32", order), terms)
        assert off(round_to(right, "bfloat16"), ball) <= 1, order
    narrow = SUMS[name](NarrowSums("bfloat16", Order(1)), terms)
    # Over several axes the sums of the first may be stored, and what cancels is lost there.
    assert off(narrow, ball) > 1 or (name == "over all" and terms is MIXED)


@pytest.mark.parametrize("name", SUMS)
def test_the_rounding_to_storage_is_charged(name: str) -> None:
    """The float32 accumulator's own error is far less than what the result rounds."""
    terms = POSITIVE
    rounding = WIDE.rounding()
    inside = BallOps(rounding.summing())
    right = round_to(SUMS[name](NarrowSums("float32", Order(1)), terms), "bfloat16")
    assert off(right, SUMS[name](inside, inside.exact(terms))) > 1


def random_of(name: str) -> Any:
    """The spread of a sum in random rounding errors."""

    def evaluation(ops: Any, intervene: Any) -> Any:
        return {"sum": SUMS[name](ops, ops.exact(MIXED))}

    return spreads(evaluation, WIDE.rounding(), chance=1e-9, replicas=12, seed=1)["sum"]


@pytest.mark.parametrize("name", [name for name in SUMS if name != "over all"])
def test_random_errors_hold_right_sums_and_no_narrow_ones(name: str) -> None:
    spread = random_of(name)
    right = round_to(SUMS[name](NarrowSums("float32", Order(8)), MIXED), "bfloat16")
    assert (np.abs(right - spread.value) <= spread.radius).all()
    narrow = SUMS[name](NarrowSums("bfloat16", Order(1)), MIXED)
    assert (np.abs(narrow - spread.value) > spread.radius).any()


@pytest.mark.parametrize(
    ("name", "rule"),
    [("total", "total"), ("product", "contraction"), ("by index", "scattered")],
)
def test_random_rules_without_the_rounding_to_storage_are_noticed(
    name: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weakened to what the accumulator alone rounds, they no longer hold a right sum."""
    inside = errors_of(WIDE.rounding().summing())
    monkeypatch.setattr(
        accumulating.AccumulatingErrors, rule, lambda self, *given: getattr(inside, rule)(*given)
    )
    spread = random_of(name)
    right = round_to(SUMS[name](NarrowSums("float32", Order(8)), MIXED), "bfloat16")
    assert (np.abs(right - spread.value) > spread.radius).any()


def test_what_is_added_to_a_sum_rounds_in_the_storage() -> None:
    ops = AccumulatingOps(WIDE.rounding())
    parts = [ops.total(ops.exact(POSITIVE), 0), ops.exact(OTHER[0])]
    values = [round_to(part.value, "bfloat16") for part in parts]
    assert off(round_to(values[0] + values[1], "bfloat16"), ops.sum_of_charged(parts)) <= 1
    assert ops.sum_of_charged(parts[:1]) is parts[0]


def test_narrow_sums_are_sums() -> None:
    """In float64 each order gives the sum itself, and each place its own terms."""
    for order in orders():
        ops = NarrowSums("float64", order)
        assert np.allclose(ops.total(MIXED, 0), MIXED.sum(axis=0), rtol=1e-10)
        assert np.allclose(ops.matmul(MIXED.T, OTHER), MIXED.T @ OTHER, rtol=1e-10)
    places = RNG.integers(0, 9, MIXED.shape)
    expected = np.bincount(places.ravel(), MIXED.ravel(), 9)
    assert np.allclose(ops.scatter(MIXED, places, (9,)), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("float32", "bfloat16"), "fewer digits"),
        (("float32", "float32", ("activation",)), "change nothing"),
        (("float33",), "float33"),
    ],
)
def test_a_contract_that_is_none_is_refused(given: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Precision(*given)


def test_a_contract_is_kept_in_json() -> None:
    precision = Precision("bfloat16", "float32", casts=("activation",))
    assert from_json(to_json(precision)) == precision
    assert precision.dtype == "float32"
    assert WIDE.dtype == "bfloat16"
