"""Ball arithmetic: the operations of the definition on balls, each with the bound of its result.

Every rule is a running error bound (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
edition, sections 3.1 and 3.3); `backproof.mathematics.arithmetic.balls.ball` says what a ball is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from math import inf, prod

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls import standardise
from backproof.mathematics.arithmetic.balls.ball import (
    SLACK,
    Ball,
    Values,
    feels_underflow,
    widened,
)
from backproof.mathematics.arithmetic.floating import product
from backproof.mathematics.arithmetic.indices import indices
from backproof.mathematics.arithmetic.memory import keep_freed
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.rounding.model import Rounding, inflated
from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction

L1 = "l1"
"""What the subgradient of |w| is called in `Rounding.at_kinks`."""


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

    def matmul(self, a: Ball, b: Ball, further_terms: int = 0) -> Ball:
        """γₙ·m_a m_b + r_a m_b + m_a r_b, for any order of summation (Higham, section 3.5).

        With n products that may each underflow, where one is not exactly zero. Of a sum of more
        terms, each product passes through that many more additions: of so many more.
        """
        return self._contracted(a, b, a.value.shape[-1] + further_terms)

    def affine(self, a: Ball, kernel: Ball, bias: Ball | None) -> Ball:
        """The bias is one more term of the sum: an implementation may start from it.

        γₙ₊₁·(m_a m_b + m_bias): each partial sum that holds the bias rounds at its size.
        """
        if bias is None:
            return self.matmul(a, kernel)
        terms = a.value.shape[1] + 1
        z = self._contracted(a, kernel, terms)
        assert z.radius is not None
        z.radius += SLACK * bias.radius_with(self.rounding.gamma(terms))
        z.value += bias.value
        return z

    def _contracted(self, a: Ball, b: Ball, terms: int) -> Ball:
        """a @ b as part of a sum of so many terms."""
        n, gamma = a.value.shape[-1], self.rounding.gamma(terms)
        if b.radius is None and a.radius is not None:
            radius = product(a.radius_with(gamma), b.magnitude)
        else:
            radius = product(a.magnitude, b.radius_with(gamma))
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

    def transpose(self, a: Ball, axes: tuple[int, ...] | None = None) -> Ball:
        if axes is None:
            return a.T
        radius = None if a.radius is None else a.radius.transpose(axes)
        return Ball(a.value.transpose(axes), radius)

    def concatenated(self, parts: Sequence[Ball]) -> Ball:
        value = np.concatenate([part.value for part in parts], axis=-1)
        if all(part.radius is None for part in parts):
            return Ball(value, None)
        return Ball(value, np.concatenate([radius_of(part) for part in parts], axis=-1))

    def scatter(self, a: Ball, index: NDArray[np.intp], shape: tuple[int, ...]) -> Ball:
        """Radii add up; the additions have been charged to the elements."""
        value, radius = np.zeros(prod(shape)), np.zeros(prod(shape))
        np.add.at(value, index.ravel(), a.value.ravel())
        np.add.at(radius, index.ravel(), radius_of(a).ravel())
        radius *= inflated(index.size)
        # A partial sum below tiny may be flushed to zero.
        many = np.bincount(index.ravel(), minlength=value.size)
        radius += many * self.rounding.eta * (many > 1) * ((radius > 0) | (value != 0))
        return Ball(value.reshape(shape), radius.reshape(shape))

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
        radius = a.radius_with(self.rounding.gamma(roundings + 1) + self.rounding.held(roundings))
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

    def charged(self, a: Ball, times: int) -> Ball:
        """γ_times at the size of a, and what underflow may take each time."""
        radius = a.radius_with(self.rounding.gamma(times))
        radius *= SLACK
        if feels_underflow(radius, self.rounding, times):
            radius += times * self.rounding.eta * (a.magnitude > 0)
        return Ball(a.value, radius)

    def by_one(self, a: Ball, roundings: int) -> Ball:
        return self.charged(a, roundings) if roundings else a

    def cast(self, a: Ball, unit: float) -> Ball:
        """u·m, with the unit roundoff of the cast, and what underflow may take."""
        return Ball(a.value, SLACK * a.radius_with(unit) + self.rounding.eta * (a.magnitude > 0))

    def as_summand(self, a: Ball, times: int) -> Ball:
        return self.charged(a, times)

    def total(self, a: Ball, axis: Axis = None, further_terms: int = 0) -> Ball:
        return a.total(self.rounding, axis, further_terms)

    def sum_of_charged(self, parts: Sequence[Ball]) -> Ball:
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
        """−1, 0 or 1; all of them where the sign is in doubt; of an exact 0 as the model says."""
        value = np.sign(a.value)
        if a.radius is None:
            share = self.rounding.at_kink(L1, 0.5)
            return Ball(np.where(value == 0, 2 * share - 1, value), None)
        doubtful = (np.abs(a.value) <= 2 * a.radius) & (a.radius > 0)
        return Ball(value, 2.0 * doubtful)

    def gather(self, a: Ball, index: NDArray[np.intp]) -> Ball:
        radius = None if a.radius is None else np.ravel(a.radius)[index]
        return Ball(np.ravel(a.value)[index], radius)

    def indices(self, a: Ball, below: int) -> NDArray[np.intp]:
        return indices(a.value, below)

    def enlarged(self, factor: float) -> BallOps:
        """With an η larger by the factor, by which what is lost before it is multiplied."""
        if factor <= 1:
            return self
        return type(self)(replace(self.rounding, tiny=factor * self.rounding.tiny))

    def activate(self, f: Activation, z: Ball) -> Ball:
        a = f.ball(z, self.rounding)
        error = self.rounding.error(f.name)
        return a if not error else widened(a, SLACK * error)

    def vjp(self, f: Activation, z: Ball, a: Ball, cotangent: Ball) -> Ball:
        pulled = f.vjp_ball(z, a, cotangent, self.rounding)
        error = self.rounding.error(f"{f.name}'")
        return pulled if not error else widened(pulled, SLACK * error * cotangent.magnitude)

    def loss_and_slope(self, loss: LossFunction, z: Ball, a: Ball, y: Ball) -> tuple[Ball, Ball]:
        return loss.ball(z, a, y, self.rounding)

    def variance(self, x: Ball, by: Standard) -> Ball:
        return standardise.variance(x, by, self.rounding)

    def standardise(self, x: Ball, by: Standard, terms: int = 0) -> Ball:
        return standardise.standardise(x, by, self.rounding, terms)

    def standardise_vjp(self, x: Ball, cotangent: Ball, by: Standard) -> Ball:
        return standardise.pulled(x, cotangent, by, self.rounding)


def radius_of(ball: Ball) -> Values:
    """The radius as an array."""
    return np.zeros_like(ball.value) if ball.radius is None else ball.radius
