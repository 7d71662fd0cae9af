"""The numbers in the rules of swish and mish are bounds, proven with Arb, as in `test_gelu_limits`.

Beyond ±40 all derivatives but f′ = 1 are less than z·exp(−|z|)·10, far below them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flint import arb, arb_series

from backproof.mathematics.functions import mish, swish
from tests.mathematics.arithmetic.ball_networks import precision
from tests.mathematics.arithmetic.test_gelu_limits import derivative, largest_is_at_most


def swish_of(z: arb_series) -> arb_series:
    return z / (1 + (-z).exp())


def mish_of(z: arb_series) -> arb_series:
    """Of e^−z, whose powers are positive on every interval."""
    e = (-z).exp()
    return z * (1 + 2 * e) / (1 + 2 * e + 2 * e * e)


def mirrored(function: Callable[[arb_series], arb_series]) -> Callable[[arb_series], arb_series]:
    """The function of −z: the other half of the line."""
    return lambda z: function(-z)


def mish_below(z: arb_series) -> arb_series:
    """Mish of −z, in powers of e^−z."""
    e = (-z).exp()
    grown = e * e + 2 * e
    return -z * grown / (grown + 2)


LIMITS = {
    f"{name}, order {order}, {side}": (bound, derivative(function, order))
    for name, bounds, sides in (
        (
            "swish",
            (swish.STEEPEST, swish.BENT, swish.TWISTED),
            {"above": swish_of, "below": mirrored(swish_of)},
        ),
        (
            "mish",
            (mish.STEEPEST, mish.BENT, mish.TWISTED),
            {"above": mish_of, "below": mish_below},
        ),
    )
    for side, function in sides.items()
    for order, bound in enumerate(bounds, start=1)
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_number_in_a_rule_is_a_bound(name: str) -> None:
    bound, function = LIMITS[name]
    with precision(64):
        assert largest_is_at_most(bound, function)


@pytest.mark.parametrize("name", ["swish", "mish"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_lower_one_is_none(name: str, order: int) -> None:
    """On one side or the other each is within 3 % of the largest value."""
    sides = [LIMITS[f"{name}, order {order}, {side}"] for side in ("above", "below")]
    with precision(64):
        assert not all(largest_is_at_most(0.97 * bound, function) for bound, function in sides)


def test_far_out_nothing_is_left() -> None:
    with precision(200):
        for function in (swish_of, mish_of):
            assert abs(derivative(function, 1)(arb(40)) - 1) < arb(-30).exp()
            assert abs(derivative(function, 2)(arb(40))) < arb(-30).exp()
