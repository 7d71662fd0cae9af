"""Sums over 13,500 rows: an ordinary loop uses nearly all of their bound, and never more."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from backproof.mathematics.arithmetic.balls.ball import Ball, Values
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding

ROWS = 13_500


def worst(dtype: str) -> Values:
    """1, and rows of a little more than half an ulp of it: after 1, each rounds up to an ulp."""
    unit = Rounding.of(dtype).unit
    return np.array([1.0] + [unit * (1 + 2.0**-20)] * ROWS, dtype)


def as_total(ops: BallOps, terms: Values) -> Ball:
    return ops.total(ops.exact(terms))


def as_column(ops: BallOps, terms: Values) -> Ball:
    return ops.total(ops.exact(terms[:, None]), axis=0)


def as_product(ops: BallOps, terms: Values) -> Ball:
    return ops.matmul(ops.exact(np.ones((1, len(terms)))), ops.exact(terms[:, None]))


def from_a_bias(ops: BallOps, terms: Values) -> Ball:
    ones, rows = np.ones((1, len(terms) - 1)), terms[1:, None]
    return ops.affine(ops.exact(ones), ops.exact(rows), ops.exact(terms[:1]))


def from_a_penalty(ops: BallOps, terms: Values) -> Ball:
    rows = ops.total(ops.exact(terms[1:, None]), axis=0, further_terms=1)
    return ops.sum_of_charged([rows, ops.charged(ops.exact(terms[:1]), len(terms) - 1)])


RULES: list[Callable[[BallOps, Values], Ball]] = [
    as_total,
    as_column,
    as_product,
    from_a_bias,
    from_a_penalty,
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES)
def test_a_loop_from_the_largest_term_on_uses_nearly_all_of_the_bound(rule, dtype):
    terms = worst(dtype)
    looped = np.cumsum(terms)[-1]  # one after another
    assert looped.dtype == dtype
    exact = sum(map(Fraction, terms.tolist()), Fraction(0))
    ball = rule(BallOps(Rounding.of(dtype)), terms)
    used = abs(Fraction(float(looped)) - exact) / Fraction(float(ball.radius.item()))
    assert 0.99 < used <= 1
    assert abs(Fraction(float(ball.value.item())) - exact) <= Fraction(float(ball.radius.item()))
