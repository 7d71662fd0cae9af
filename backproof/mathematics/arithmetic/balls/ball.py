"""Ball arithmetic: values with a radius that bounds the rounding errors of every implementation.

A `Ball` (value, radius) says: the exact result, that of the definition in real numbers, lies within
``radius`` of ``value``; and the result of *any* implementation that keeps to the `Rounding` lies
within ``radius`` of the exact one. So the value, any implementation and the exact result are within
2·radius of each other, and ``|value| + 2·radius`` bounds them all (`Ball.magnitude`). Two
implementations differ by at most the sum of their radii.

Every rule is a running error bound (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
edition, sections 3.1 and 3.3). Written with hats for computed and capitals for exact quantities:
|f̂ − F| ≤ |fl(f(x̂)) − f(x̂)| + |f(x̂) − f(X)|, a rounding charged at the size that x̂ may have, and
the move from X to x̂ by at most the radius of x.
"""

from __future__ import annotations

from math import exp, inf, prod

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.rounding.model import Rounding, inflated

Values = NDArray[np.floating]
Axis = int | tuple[int, ...] | None

# Makes up for the float64 roundings of an elementwise radius of at most 56 operations.
SLACK = inflated(56)


# Elements of a magnitude that is kept: of a larger ball it would be a third of its memory.
MOST_KEPT = 1_000_000


def growth(radius: Values, rate: float) -> float:
    """exp(rate · the largest radius): by how much a slope may grow over the reach of a ball."""
    largest = float(radius.max())
    # Beyond 1 the slope's own bound is reached; exp of a NaN or infinity must stay infinite.
    return SLACK * exp(rate * largest) if largest * rate < 700 else inf


def feels_underflow(radius: Values, rounding: Rounding, terms: float = 1) -> bool:
    """Whether an η for each of so many terms would show in the radius somewhere.

    Above 2⁵⁰ times that it is covered by SLACK, of which the roundings need half, 2⁻⁴⁷, at most.
    Where a radius is not a number, nothing is known of the others.
    """
    return radius.size > 0 and not float(radius.min()) >= 2.0**50 * terms * rounding.tiny


class Ball:
    """Value and radius, arrays of one shape; radius None means exact."""

    __slots__ = ("_magnitude", "radius", "value")

    def __init__(self, value: Values, radius: Values | None) -> None:
        self.value = value
        self.radius = radius
        self._magnitude: Values | None = None

    @property
    def magnitude(self) -> Values:
        """A bound on the size of the value, of the exact result and of any implementation's.

        Up to three float64 roundings, which the SLACK of the radius that it goes into makes up for.
        """
        if self._magnitude is not None:
            return self._magnitude
        found: Values = np.abs(self.value)
        if self.radius is not None:  # twice, which takes no array more
            found += self.radius
            found += self.radius
        if found.size <= MOST_KEPT:
            self._magnitude = found
        return found

    @property
    def reach(self) -> Values | float:
        """How far an implementation's value may lie from the ball's own."""
        return 0.0 if self.radius is None else 2 * self.radius

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def T(self) -> Ball:
        """The transpose."""
        turned = Ball(self.value.T, None if self.radius is None else self.radius.T)
        turned._magnitude = None if self._magnitude is None else self._magnitude.T
        return turned

    def radius_with(self, share: float) -> Values:
        """share·m + r: the radius, if each element is off by that share of its size besides."""
        radius = self.magnitude * share
        if self.radius is not None:
            radius += self.radius
        return radius

    def times(self, other: Ball, rounding: Rounding) -> Ball:
        """Elementwise product: u·m·m′ + m·r′ + r·m′, with η where both may be non-zero."""
        radius = self.radius_with(rounding.unit)
        radius *= other.magnitude
        if other.radius is not None:
            radius += self.magnitude * other.radius
        radius *= SLACK
        if feels_underflow(radius, rounding):
            radius += rounding.eta * ((self.magnitude > 0) & (other.magnitude > 0))
        return Ball(self.value * other.value, radius)

    def plus(self, other: Ball, rounding: Rounding) -> Ball:
        """Elementwise sum (a vector other goes to each row): u·|result| + r + r′."""
        return self._combined(self.value + other.value, other, rounding)

    def minus(self, other: Ball, rounding: Rounding) -> Ball:
        """Elementwise difference, as `plus`."""
        return self._combined(self.value - other.value, other, rounding)

    def _combined(self, value: Values, other: Ball, rounding: Rounding) -> Ball:
        radius = np.abs(value)
        radius *= rounding.unit
        if self.radius is not None:
            radius += self.radius
        if other.radius is not None:
            radius += other.radius
        # The computed sum may be larger than ``value``, by 2r + 2r′.
        radius *= SLACK * (1 + 2 * rounding.unit)
        # A sum below tiny may be flushed to zero.
        if feels_underflow(radius, rounding):
            radius += rounding.eta * ((radius > 0) | (value != 0))
        return Ball(value, radius)

    def row_total(self, rounding: Rounding) -> Ball:
        """The sum of each row, (samples, 1), in any order: γ_{m−1}·Σm + Σr."""
        return self._summed(1, rounding, keepdims=True)

    def total(self, rounding: Rounding, axis: Axis, further_terms: int = 0) -> Ball:
        """The sum over all elements or one axis, in any order; ``further_terms`` more."""
        return self._summed(axis, rounding, further_terms=further_terms)

    def _summed(
        self,
        axis: Axis,
        rounding: Rounding,
        *,
        further_terms: int = 0,
        keepdims: bool = False,
    ) -> Ball:
        value = np.asarray(self.value.sum(axis=axis, keepdims=keepdims))
        count = terms_of(self.value.shape, axis)
        roundings = count - 1 + further_terms
        radius = np.asarray(self.magnitude.sum(axis=axis, keepdims=keepdims))
        radius = radius * rounding.gamma(roundings)
        if self.radius is not None:
            radius += self.radius.sum(axis=axis, keepdims=keepdims)
        radius *= inflated(count + 8)
        # A term is lost to underflow once at most: by itself, or as part of a partial sum.
        if roundings and feels_underflow(radius, rounding, count + further_terms):
            reached = (self.magnitude > 0).any(axis=axis, keepdims=keepdims)
            radius += (count + further_terms) * rounding.eta * reached
        return Ball(value, np.asarray(radius))

    def doubled(self) -> Ball:
        """Twice the ball: exact in binary arithmetic."""
        return Ball(2 * self.value, None if self.radius is None else 2 * self.radius)


def widened(ball: Ball, by: Values | float) -> Ball:
    """The ball with a larger radius: what an implementation declares to err by, beyond rounding."""
    return Ball(ball.value, by + (0 * ball.value if ball.radius is None else ball.radius))


def terms_of(shape: tuple[int, ...], axis: Axis) -> int:
    """How many terms a sum over those axes has."""
    if axis is None:
        return prod(shape)
    return prod(shape[each] for each in (axis if isinstance(axis, tuple) else (axis,)))
