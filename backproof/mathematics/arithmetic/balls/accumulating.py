"""Balls for sums that are accumulated in a wider dtype than their results are held in.

A sum of n terms is off by γₙ(w)·Σ|t| inside, w being the unit roundoff of the accumulator, and
rounds once to the dtype, at the size of the *result*: u·|Σt|. In one dtype it is γₙ(u)·Σ|t|. That
is what tells the two apart: of long sums, and of sums whose terms cancel. What code adds to such a
sum afterwards (``further_terms``) rounds in the dtype, at the size of what it is added to.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import SLACK, Axis, Ball, terms_of
from backproof.mathematics.arithmetic.balls.half import HalfOps
from backproof.mathematics.arithmetic.balls.operations import BallOps, radius_of
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.arithmetic.standard import Standard


class AccumulatingOps(BallOps):
    """The operations of the definition on balls, for code that declares what it accumulates in."""

    def __init__(self, rounding: Rounding) -> None:
        super().__init__(rounding)
        self._inside = BallOps(rounding.summing())

    def by_one(self, a: Ball, roundings: int) -> Ball:
        """Code with a contract multiplies by no coefficient that is 1."""
        return a

    def matmul(self, a: Ball, b: Ball, further_terms: int = 0) -> Ball:
        return self._to_dtype(self._inside.matmul(a, b), 1 + further_terms)

    def affine(self, a: Ball, kernel: Ball, bias: Ball | None) -> Ball:
        """The bias is in the accumulator from the start, or is added to the rounded product."""
        if bias is None:
            return self.matmul(a, kernel)
        z, product = self._inside.affine(a, kernel, bias), self._inside.matmul(a, kernel)
        held = self._to_dtype(Ball(product.value, radius_of(z)), 1)
        return self._to_dtype(Ball(z.value, held.radius), 1)

    def total(self, a: Ball, axis: Axis = None, further_terms: int = 0) -> Ball:
        """Over several axes, one after the other: what the first gives may be rounded, too."""
        if terms_of(a.value.shape, axis) + further_terms == 1:
            return super().total(a, axis)
        found = self._inside.total(a, axis)
        many = a.value.ndim if axis is None else len(axis) if isinstance(axis, tuple) else 1
        if many > 1:
            partly = SLACK * self.rounding.gamma(many - 1) * a.magnitude.sum(axis=axis)
            found = Ball(found.value, np.asarray(radius_of(found) + partly))
        return self._to_dtype(found, 1 + further_terms)

    def as_summand(self, a: Ball, times: int) -> Ball:
        return self._inside.charged(a, times)

    def scatter(self, a: Ball, index: NDArray[np.intp], shape: tuple[int, ...]) -> Ball:
        return self._to_dtype(super().scatter(a, index, shape), 1)

    def sum_of_charged(self, parts: Sequence[Ball]) -> Ball:
        """Parts are sums that were rounded: they are added in the dtype, in any order."""
        if len(parts) == 1:
            return parts[0]
        found = super().sum_of_charged(parts)
        size = reduce(np.add, [part.magnitude for part in parts])
        added = SLACK * self.rounding.gamma(len(parts) - 1) * size
        return Ball(found.value, radius_of(found) + added)

    def variance(self, x: Ball, by: Standard) -> Ball:
        return self._to_dtype(self._inside.variance(x, by), 1)

    def standardise(self, x: Ball, by: Standard, terms: int = 0) -> Ball:
        """A norm is one operation, all of it in what sums are accumulated in."""
        return self._to_dtype(self._inside.standardise(x, by, terms), 1)

    def standardise_vjp(self, x: Ball, cotangent: Ball, by: Standard) -> Ball:
        return self._to_dtype(self._inside.standardise_vjp(x, cotangent, by), 1)

    def _to_dtype(self, a: Ball, times: int) -> Ball:
        """γ_times at the size of a sum, and what underflow may take each time."""
        radius = a.radius_with(self.rounding.gamma(times)) * SLACK
        return Ball(a.value, radius + times * self.rounding.eta * (a.magnitude > 0))


def balls_of(rounding: Rounding) -> BallOps:
    """The balls of a rounding model."""
    if rounding.sums:
        return AccumulatingOps(rounding)
    return HalfOps(rounding) if rounding.inside else BallOps(rounding)
