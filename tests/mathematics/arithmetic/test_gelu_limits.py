"""The numbers in the rules of GELU are bounds, proven with Arb on intervals that cover the line.

Each function is even or odd, but for f′(−z) = 1 − f′(z), which is no larger: z ≥ 0 suffices. It is
enclosed on an interval, with its derivatives by the arithmetic of power series; the interval is
halved until the enclosure is below the bound. Beyond 40 nothing is left but f′ = 1: all else is
less than z⁹·exp(−z²/2) < e⁻⁷⁰⁰.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flint import arb, arb_series, ctx

from backproof.mathematics.functions import gelu
from tests.mathematics.arithmetic.ball_networks import precision

FAR = 40
COEFFICIENT_ROUNDOFFEST = 2.0**-16


def exact(z: arb_series) -> arb_series:
    return z * (1 + (z / arb(2).sqrt()).erf()) / 2


def inner(z: arb_series) -> arb_series:
    return (2 / arb.pi()).sqrt() * (z + arb("0.044715") * z * z * z)


def tanh(w: arb_series) -> arb_series:
    """1 − 2e^−2w/(1 + e^−2w), whose denominator is positive on every interval."""
    e = (-2 * w).exp()
    return 1 - 2 * e / (1 + e)


def approximate(z: arb_series) -> arb_series:
    return z * (1 + tanh(inner(z))) / 2


def derivative(function: Callable[[arb_series], arb_series], order: int) -> Callable[[arb], arb]:
    """The derivative of that order, on an interval."""

    def of(interval: arb) -> arb:
        before, ctx.cap = ctx.cap, order + 1
        try:
            value = function(arb_series([interval, 1]))[order]
        finally:
            ctx.cap = before
        factor = 1
        for k in range(2, order + 1):
            factor *= k
        return value * factor

    return of


def density(z: arb) -> arb:
    return (-z * z / 2).exp() / (2 * arb.pi()).sqrt()


def sech2(z: arb) -> arb:
    return inner(z).sech() ** 2


def inner_slope(z: arb) -> arb:
    return (2 / arb.pi()).sqrt() * (1 + 3 * arb("0.044715") * z * z)


def largest_is_at_most(bound: float, function: Callable[[arb], arb]) -> bool:
    """Whether |function| ≤ bound on all of [0, FAR]; False where some interval stays above it."""
    open_intervals = [(k / 4, (k + 1) / 4) for k in range(4 * FAR)]
    while open_intervals:
        low, high = open_intervals.pop()
        interval = arb((low + high) / 2, (high - low) / 2)
        if abs(function(interval)) <= bound:
            continue
        if high - low < COEFFICIENT_ROUNDOFFEST:
            return False
        middle = (low + high) / 2
        open_intervals += [(low, middle), (middle, high)]
    return True


LIMITS: dict[str, tuple[float, Callable[[arb], arb]]] = {
    "f′ exact": (gelu.STEEPEST, derivative(exact, 1)),
    "f′ by tanh": (gelu.STEEPEST, derivative(approximate, 1)),
    "f″ exact": (gelu.BENT, derivative(exact, 2)),
    "f″ by tanh": (gelu.BENT, derivative(approximate, 2)),
    "f‴ exact": (gelu.TWISTED, derivative(exact, 3)),
    "f‴ by tanh": (gelu.TWISTED, derivative(approximate, 3)),
    "zφ": (0.242, lambda z: z * density(z)),
    "z³φ": (0.463, lambda z: z**3 * density(z)),
    "t·erf′": (0.484, lambda t: t * 2 / arb.pi().sqrt() * (-t * t).exp()),
    "w·tanh′": (0.448, lambda w: w * w.sech() ** 2),
    "zw′(1 − T²)/2": (0.242, lambda z: z * inner_slope(z) * sech2(z) / 2),
    "zw′(1 − T²)wT": (
        0.452,
        lambda z: z * inner_slope(z) * sech2(z) * inner(z) * inner(z).tanh(),
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_number_in_a_rule_is_a_bound(name):
    bound, function = LIMITS[name]
    with precision(64):
        assert largest_is_at_most(bound, function)


@pytest.mark.parametrize("name", LIMITS)
def test_a_lower_one_is_none(name):
    """All are within 3 % of the largest value."""
    bound, function = LIMITS[name]
    with precision(64):
        assert not largest_is_at_most(0.97 * bound, function)


def test_what_is_left_far_out_is_nothing():
    with precision(3000):
        assert arb(FAR) ** 9 * density(arb(FAR)) < arb(-700).exp()
        assert inner(arb(FAR)) > arb(FAR) ** 2
        for function in (exact, approximate):
            assert abs(derivative(function, 1)(arb(FAR)) - 1) < arb(-700).exp()
