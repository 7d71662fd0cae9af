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

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from math import exp, inf

import numpy as np
from numpy.typing import NDArray

from backproof.activations import Activation
from backproof.arithmetic.floating import product
from backproof.losses import LossModule
from backproof.memory import keep_freed
from backproof.rounding import Rounding, inflated

Values = NDArray[np.floating]

# Makes up for the float64 roundings of an elementwise radius of at most 56 operations.
SLACK = inflated(56)


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
        if self._magnitude is None:
            self._magnitude = np.abs(self.value)
            if self.radius is not None:  # twice, which takes no array more
                self._magnitude += self.radius
                self._magnitude += self.radius
        return self._magnitude

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def T(self) -> Ball:
        """The transpose."""
        turned = Ball(self.value.T, None if self.radius is None else self.radius.T)
        turned._magnitude = None if self._magnitude is None else self._magnitude.T
        return turned

    def charged(self, share: float) -> Values:
        """share·m + r: the radius, if each element is off by that share of its size besides."""
        radius = self.magnitude * share
        if self.radius is not None:
            radius += self.radius
        return radius

    def times(self, other: Ball, rounding: Rounding) -> Ball:
        """Elementwise product: u·m·m′ + m·r′ + r·m′, with η where both may be non-zero."""
        radius = self.charged(rounding.unit)
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

    def total(self, rounding: Rounding, axis: int | None, also: int = 0) -> Ball:
        """The sum over all elements or one axis, in any order, of a sum of ``also`` more terms."""
        return self._summed(axis, rounding, also=also)

    def _summed(
        self, axis: int | None, rounding: Rounding, *, also: int = 0, keepdims: bool = False
    ) -> Ball:
        value = np.asarray(self.value.sum(axis=axis, keepdims=keepdims))
        count = self.value.size if axis is None else self.value.shape[axis]
        roundings = count - 1 + also
        radius = np.asarray(self.magnitude.sum(axis=axis, keepdims=keepdims))
        radius = radius * rounding.gamma(roundings)
        if self.radius is not None:
            radius += self.radius.sum(axis=axis, keepdims=keepdims)
        radius *= inflated(count + 8)
        # A term is lost to underflow once at most: by itself, or as part of a partial sum.
        if roundings and feels_underflow(radius, rounding, count + also):
            reached = (self.magnitude > 0).any(axis=axis, keepdims=keepdims)
            radius += (count + also) * rounding.eta * reached
        return Ball(value, np.asarray(radius))

    def doubled(self) -> Ball:
        """Twice the ball: exact in binary arithmetic."""
        return Ball(2 * self.value, None if self.radius is None else 2 * self.radius)


def widened(ball: Ball, by: Values | float) -> Ball:
    """The ball with a larger radius: what an implementation declares to err by, beyond rounding."""
    return Ball(ball.value, by + (0 * ball.value if ball.radius is None else ball.radius))


class BallOps:
    """The operations of the definition on balls, for one rounding model."""

    def __init__(self, rounding: Rounding) -> None:
        keep_freed()
        self.rounding = rounding
        self._known: dict[int, tuple[Values, Ball]] = {}

    def exact(self, x: Values) -> Ball:
        """Data and parameters; subnormal numbers may be flushed to zero by the implementation."""
        if not x.flags.writeable and id(x) in self._known:
            return self._known[id(x)][1]
        value = x.astype(np.float64, order="F", copy=x.flags.writeable)
        ball = Ball(value, None)
        size = ball.magnitude
        if size.size and size.min() < self.rounding.tiny:
            flushed = (size > 0) & (size < self.rounding.tiny)
            if flushed.any():
                ball = Ball(value, size * flushed)
        if not x.flags.writeable:  # the data of a batch, which many evaluations share
            self._known[id(x)] = (x, ball)
        return ball

    def matmul(self, a: Ball, b: Ball, also: int = 0) -> Ball:
        """γₙ·m_a m_b + r_a m_b + m_a r_b, for any order of summation (Higham, section 3.5).

        With n products that may each underflow, where one is not exactly zero. Of a sum of more
        terms, each product passes through that many more additions: γₙ₊ₐₗₛₒ.
        """
        return self._contracted(a, b, a.value.shape[1] + also)

    def affine(self, a: Ball, kernel: Ball, bias: Ball | None) -> Ball:
        """The bias is one more term of the sum: an implementation may start from it.

        γₙ₊₁·(m_a m_b + m_bias): each partial sum that holds the bias rounds at its size.
        """
        if bias is None:
            return self.matmul(a, kernel)
        terms = a.value.shape[1] + 1
        z = self._contracted(a, kernel, terms)
        assert z.radius is not None
        z.radius += SLACK * bias.charged(self.rounding.gamma(terms))
        z.value += bias.value
        return z

    def _contracted(self, a: Ball, b: Ball, terms: int) -> Ball:
        """a @ b as part of a sum of so many terms."""
        n, gamma = a.value.shape[1], self.rounding.gamma(terms)
        if b.radius is None and a.radius is not None:
            radius = product(a.charged(gamma), b.magnitude)
        else:
            radius = product(a.magnitude, b.charged(gamma))
            if a.radius is not None:
                radius += product(a.radius, b.magnitude)
        radius *= inflated(n + 8)
        if feels_underflow(radius, self.rounding, n):
            untouched = radius == 0
            radius += n * self.rounding.eta
            if untouched.any():
                # Exact zeros stay exact (a row of zeros, a dead unit), if nothing was lost above.
                reached = product(np.sign(a.magnitude), np.sign(b.magnitude))
                radius[untouched & (reached == 0)] = 0
        return Ball(product(a.value, b.value), radius)

    def transpose(self, a: Ball) -> Ball:
        return a.T

    def add(self, a: Ball, b: Ball) -> Ball:
        return a.plus(b, self.rounding)

    def subtract(self, a: Ball, b: Ball) -> Ball:
        return a.minus(b, self.rounding)

    def multiply(self, a: Ball, b: Ball) -> Ball:
        return a.times(b, self.rounding)

    def scale(self, a: Ball, c: float, divisor: int = 1, roundings: int = 1) -> Ball:
        """a·c/divisor: the coefficient is known up to γ_roundings, one more for the product.

        A coefficient of 1 changes nothing; one of roundings=-1, a power of two, rounds nothing.
        """
        if c == divisor == 1:
            return a
        radius = a.charged(self.rounding.gamma(roundings + 1) + self.rounding.held(roundings))
        radius *= abs(c) / divisor * SLACK
        if 0 < min(abs(c), abs(c) / divisor, 1 / divisor) < 2 * self.rounding.tiny:
            radius += self.rounding.eta * a.magnitude  # the coefficient itself may underflow
        # What underflow takes from a/divisor is multiplied by c.
        most = max(1.0, abs(c))
        if feels_underflow(radius, self.rounding, most):
            radius += self.rounding.eta * most * (a.magnitude > 0)
        return Ball(a.value * (c / divisor), radius)

    def constant(self, c: float | Fraction, like: Ball, roundings: int) -> Ball:
        """γ_roundings·|c|, and what underflow takes of a coefficient that is as small."""
        size = abs(float(c))
        radius = size * SLACK * (self.rounding.gamma(roundings) + self.rounding.held(roundings))
        radius += self.rounding.eta * (size > 0)
        return Ball(np.full_like(like.value, float(c)), np.full_like(like.value, radius))

    def divide(self, a: Ball, b: Ball) -> Ball:
        """(r_a + m_a/l·r_b)/l + γ₂·m_a/l, with l the smallest that the divisor may be.

        |â/b̂ − A/B| = |(â − A) − (A/B)·(b̂ − B)|/|b̂|. An implementation divides, or multiplies with
        a reciprocal: two roundings; of the reciprocal underflow may take η, which m_a multiplies.
        Where the divisor may be 0 the radius is infinite, for an exact 0 is then divided too.
        """
        least = np.abs(b.value)
        if b.radius is not None:
            least = least - 2 * SLACK * b.radius
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(least > 0, 1 / least, inf)
            size = a.magnitude * share
            error = size * self.rounding.gamma(2)
            if a.radius is not None:
                error = error + a.radius * share
            if b.radius is not None:
                error = error + size * (b.radius * share)
            error = error * SLACK + self.rounding.eta * (a.magnitude > 0) * (1 + a.magnitude)
            value = np.where(b.value == 0, 0, a.value / b.value)
        return Ball(value, np.where(least > 0, error, inf))

    def sqrt(self, a: Ball) -> Ball:
        """The charge on √m, and for the move of â off A the smaller of √r and r/(√â + √A).

        |√â − √A| = |â − A|/(√â + √A), with â at least value − 2r and A at least value − r; and
        never more than √|â − A|. IEEE 754 would round a root correctly; PyTorch does not.
        """
        value = np.sqrt(np.maximum(a.value, 0))
        radius = np.sqrt(a.magnitude) * (self.rounding.charge("sqrt") * SLACK)
        radius += self.rounding.eta * (a.magnitude > 0)
        if a.radius is not None:
            least = np.sqrt(np.maximum(a.value - 2 * SLACK * a.radius, 0))
            least = least + np.sqrt(np.maximum(a.value - SLACK * a.radius, 0))
            with np.errstate(divide="ignore", invalid="ignore"):
                moved = np.where(least > 0, a.radius / least, inf)
            radius += SLACK * np.minimum(moved, np.sqrt(a.radius))
        return Ball(value, radius)

    def rounded(self, a: Ball, times: int) -> Ball:
        """γ_times at the size of a, and what underflow may take each time."""
        radius = a.charged(self.rounding.gamma(times))
        radius *= SLACK
        if feels_underflow(radius, self.rounding, times):
            radius += times * self.rounding.eta * (a.magnitude > 0)
        return Ball(a.value, radius)

    def term(self, a: Ball, times: int) -> Ball:
        return self.rounded(a, times)

    def total(self, a: Ball, axis: int | None = None, also: int = 0) -> Ball:
        return a.total(self.rounding, axis, also)

    def joined(self, parts: Sequence[Ball]) -> Ball:
        """Radii add up, and a partial sum below tiny may be flushed to zero."""
        if len(parts) == 1:
            return parts[0]
        value = reduce(np.add, [part.value for part in parts])
        radius: Values = np.zeros_like(value)
        for part in parts:
            if part.radius is not None:
                radius = radius + part.radius
        radius *= inflated(len(parts))
        radius += len(parts) * self.rounding.eta * ((radius > 0) | (value != 0))
        return Ball(value, radius)

    def reshaped(self, a: Ball, shape: tuple[int, ...]) -> Ball:
        radius = None if a.radius is None else a.radius.reshape(shape)
        return Ball(a.value.reshape(shape), radius)

    def magnitude(self, a: Ball) -> Ball:
        return Ball(np.abs(a.value), a.radius)

    def sign(self, a: Ball) -> Ball:
        """−1, 0 or 1; all of them where the sign is in doubt."""
        value = np.sign(a.value)
        if a.radius is None:
            return Ball(value, None)
        doubtful = (np.abs(a.value) <= 2 * a.radius) & (a.radius > 0)
        return Ball(value, 2.0 * doubtful)

    def gather(self, a: Ball, index: NDArray[np.intp]) -> Ball:
        radius = None if a.radius is None else np.ravel(a.radius)[index]
        return Ball(np.ravel(a.value)[index], radius)

    def enlarged(self, factor: float) -> BallOps:
        """With an η larger by the factor, by which what is lost before it is multiplied."""
        if factor <= 1:
            return self
        return type(self)(replace(self.rounding, tiny=factor * self.rounding.tiny))

    def activate(self, f: Activation, z: Ball) -> Ball:
        a = f.ball(z, self.rounding)
        error = self.rounding.error(f.name)
        return a if not error else widened(a, SLACK * error)

    def pull(self, f: Activation, z: Ball, a: Ball, cotangent: Ball) -> Ball:
        pulled = f.pull_ball(z, a, cotangent, self.rounding)
        error = self.rounding.error(f"{f.name}'")
        return pulled if not error else widened(pulled, SLACK * error * cotangent.magnitude)

    def head(self, loss: LossModule, z: Ball, a: Ball, y: Ball) -> tuple[Ball, Ball]:
        return loss.ball(z, a, y, self.rounding)
