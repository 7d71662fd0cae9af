"""How large the rounding error of one operation is, when it is taken as random.

An operation's error is a random number of mean zero, independent of those of the other operations,
and its standard deviation is stated here, or a bound on it. Two facts carry the statements.

- A rounding errs by at most u·|result|. A number of mean zero between −c and c has at most the
  standard deviation c, and sums of such numbers have tails no heavier than those of a Gaussian of
  that deviation (Hoeffding, Probability inequalities for sums of bounded random variables, JASA 58,
  1963, lemma 1). So the full u is charged. (Spread evenly over an interval, as errors of
  rounding to nearest mostly are, they have u/√3: there is a factor of √3 in hand.)
- Errors of functions are not of mean zero: a library errs to one side over long stretches. What
  they are charged is drawn three times: independently for each element, and for the whole tensor
  once upwards and once away from 0. Each is charged what was measured of it
  (`Rounding.as_measured`): the 6 ulps that balls charge all alike would be most of the spread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.balls.accumulating import balls_of
from backproof.mathematics.arithmetic.balls.ball import Ball, terms_of
from backproof.mathematics.arithmetic.balls.half import MOST_TERMS, SUMS, UNKNOWN
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction

Values = NDArray[np.floating]

# Beyond, squares may overflow or underflow in float64.
LARGEST_ROOT = 2.0**500


class LocalErrors:
    """The sizes of local errors in one rounding model: standard deviations, at exact operands."""

    systematic = 1.0
    """How much of a function's charge is drawn for a whole tensor at once."""

    def __init__(self, rounding: Rounding) -> None:
        rounding = rounding.as_measured()
        self.balls = balls_of(rounding)
        self._same_branches = balls_of(rounding.on_same_branches())
        self.rounding = self.balls.rounding

    def lost(self, terms: int) -> float:
        """What underflow may take from a sum of so many terms."""
        return terms * self.rounding.eta

    def shared(self, operation: str, *, measured: bool = True) -> float:
        """How much of an operation's error is drawn for a whole tensor at once.

        ``operation``: as `Rounding.inside` names it; ``measured``: whether such operands were.
        """
        return self.systematic

    def enlarged(self, factor: float) -> LocalErrors:
        """Those of values that an implementation may yet multiply by ``factor``: see `Ops`."""
        if factor <= 1:
            return self
        found = type(self)(self.rounding)
        found.balls = self.balls.enlarged(factor)
        found._same_branches = self._same_branches.enlarged(factor)
        found.rounding = found.balls.rounding
        return found

    def elementary(self, times: int = 1) -> float:
        """u·√times, relative to the result: so many independent roundings of each element."""
        return self.rounding.unit * sqrt(max(times, 0))

    def coefficient(self, roundings: int) -> float:
        """u·roundings, relative and the same for all elements: how a coefficient is held.

        Not the root: for 1 − β, which is off by u·β/(1 − β) of itself, the count stands for the
        size of a single rounding (`running_means.complement_roundings`).
        """
        if roundings <= 0:
            return 0.0
        return self.rounding.unit * roundings + self.rounding.held(roundings)

    def by_one(self, roundings: int) -> int:
        """How often a coefficient that comes to 1 rounds on its way."""
        return roundings

    def contraction(
        self, a: Values, b: Values, result: Values, further_terms: int, bias: Values | None
    ) -> Values:
        """The sum of n products, and of a bias: see `of_sum`; with n·η for products that underflow.

        The products' own roundings, u·‖t‖₂ together, are part of that: N terms have N − 1 additions
        and at most N products.
        """
        norm = norm_of_products(a, b)
        if bias is not None:
            norm = np.hypot(norm, bias)
        terms = a.shape[-1] + (bias is not None) + further_terms
        size = self.of_sum(result, norm, terms, self.rounding.unit)
        return self._reached(size, lambda: reached_by(a, b), a.shape[-1])

    def total(self, a: Values, result: Values, axis: Axis, further_terms: int) -> Values:
        """The sum over some axes, likewise; without products."""
        norm = norm_of_terms(a, axis)
        terms = terms_of(a.shape, axis)
        if terms + further_terms == 1:
            return np.zeros_like(norm)
        size = self.of_sum(result, norm, terms + further_terms, self.rounding.unit)
        return self._reached(size, lambda: norm > 0, terms)

    def of_sum(self, total: Values, norm: Values, terms: int, unit: float) -> Values:
        """u·√N·(|Σt| + ‖t‖₂) for N terms t, in any order that does not look at their signs.

        Each addition errs by at most u·|s|, s being the partial sum: together by u·√(Σ s²) (Higham
        and Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41,
        2019; Ipsen and Zhou, Probabilistic error analysis for inner products, SIAM J. Matrix Anal.
        41, 2020; Hallman and Ipsen, Precision-aware deterministic and probabilistic error bounds
        for floating point summation, Numer. Math. 155, 2023). The first k terms of N in random
        order have E s² = ‖t‖²·k/N + ((Σt)² − ‖t‖²)·k(k − 1)/(N(N − 1)), whose sum over k is
        (Σt)²·(N + 1)/3 + ‖t‖²·((N + 1)/6 − 1/N): at most a third of what is charged.

        The rest is for orders that look at sizes, but not at signs: then E s² never exceeds the
        larger of ‖t‖² and E (Σt)², so that N·(|Σt| + ‖t‖₂)² holds, if the sum at hand
        is no smaller than one of its deviations below its mean. Trees, blocks, several
        accumulators, fused products, wider accumulators have fewer additions or smaller errors.

        Where N·u ≥ ¼, and half an ulp of a partial sum may be a quarter of a typical term,
        u·(|Σt| + ‖t‖₂) ≥ ¼·‖t‖₂/√N, terms are absorbed, and errors no longer of mean zero: they
        are charged as if all had one sign, √N times as much.
        """
        size = np.abs(total) + norm
        if terms * unit >= 0.25:
            size = size * np.where(sqrt(terms) * unit * size >= 0.25 * norm, sqrt(terms), 1.0)
        return np.asarray(size * (unit * sqrt(terms)))

    def joined(self, parts: Sequence[Values]) -> Values | None:
        """A sum whose additions were charged to the parts: nothing."""
        return None

    def summand(self, times: int) -> float:
        """u·√times of a term of a sum of so many additions: its share of `of_sum`."""
        return self.elementary(times)

    def scattered(self, a: Values, result: Values, index: NDArray[np.intp]) -> Values | None:
        """The sums by place: `of_sum` of as many terms as each place has, none of a single one.

        Charges to the terms, u·√N of each, are its part u·√N·‖t‖₂ alone: where terms have one sign,
        |Σt| is √N times as much. Of terms that are equal, as those of one token in a network
        without context are, the additions err alike while the sum stays between two powers of two:
        of D different ones only √(N/D) as many errors are independent.
        """
        many = np.bincount(index.ravel(), minlength=result.size).reshape(result.shape)
        if many.max() < 2:
            return None
        squares = np.zeros(result.size)
        np.add.at(squares, index.ravel(), np.square(a).ravel())
        norm = np.sqrt(squares).reshape(result.shape)
        size = self.of_sum(result, norm, int(many.max()), self.rounding.unit)
        places, terms = index.ravel(), a.ravel()
        order = np.lexsort((terms, places))
        places, terms = places[order], terms[order]
        new = np.ones(len(terms), bool)
        new[1:] = (terms[1:] != terms[:-1]) | (places[1:] != places[:-1])
        different = np.bincount(places[new], minlength=result.size).reshape(result.shape)
        alike = np.sqrt(many / np.maximum(different, 1))
        return np.asarray(size * np.sqrt(many / many.max()) * alike * (many > 1))

    def activation(self, f: Activation, z: Values) -> Values | None:
        """The ball rule at an exact z: the charge, coefficients, and whatever else the forms round.

        It bounds the error, so that its deviation is at most that. Kinks are not errors: see
        `random.open_units`. By the z of each replica, where f is exact at a single place, 0.
        """
        return self._own(self._balls(f.kinked).activate(f, Ball(z, None)))

    def vjp(self, f: Activation, z: Values, a: Values, cotangent: Values) -> Values | None:
        """Likewise, at operands that are exact but for a's own error, which a slope of a meets.

        By the cotangent of each replica: where a slope and a cotangent are both nearly 0, what is
        left is the product of their errors, and that is seen to be of second order.
        """
        own = self.activation(f, z)
        output = Ball(a, np.zeros_like(a) if own is None else own)
        pulled = self._balls(f.kinked).vjp(f, Ball(z, None), output, Ball(cotangent, None))
        return self._own(pulled)

    def loss(
        self, loss: LossFunction, z: Values, a: Values, y: Values
    ) -> tuple[Values | None, Values | None]:
        """Likewise. Of probabilities, 1 − a loses what a has rounded: there a has its own error."""
        balls = self._balls(loss.kinked)
        output = Ball(a, np.zeros_like(a))
        if self.rounding.form.of == "probabilities" and loss.ACTIVATION is not None:
            output = balls.activate(functions.named(loss.ACTIVATION), Ball(z, None))
        rows, slope = balls.loss_and_slope(loss, Ball(z, None), output, Ball(y, None))
        return self._own(rows), self._own(slope)

    def root(self, a: Values) -> Values | None:
        """√a is charged like a function."""
        return self._own(self.balls.sqrt(Ball(a, None)))

    def underflow(
        self, result: Values, reached: NDArray[np.bool_] | None = None, times: float = 1.0
    ) -> Values | None:
        """What underflow may take of a result, where it is that small; no sum, see there."""
        room = times * self.rounding.tiny
        size = np.abs(result)
        if not size.size or size.min() >= 2 * room:
            return None
        small = (size < 2 * room) & (size > 0 if reached is None else reached)
        return np.where(small, room, 0.0) if small.any() else None

    def datum(self, x: Values) -> Values | None:
        """Subnormal numbers, which may be flushed to zero, err by their size."""
        size = np.abs(x)
        if not size.size or size.min() >= self.rounding.tiny:
            return None
        flushed = (size > 0) & (size < self.rounding.tiny)
        return size * flushed if flushed.any() else None

    def _balls(self, kinked: bool) -> BallOps:
        return self._same_branches if kinked else self.balls

    def _own(self, ball: Ball) -> Values | None:
        if ball.radius is None or not ball.radius.any():
            return None
        # A value that is no number has no neighbourhood either.
        radius = np.where(np.isfinite(ball.value), ball.radius, inf)
        return np.asarray(radius, np.float64)

    def _reached(
        self, size: Values, reached: Callable[[], NDArray[np.bool_]], terms: int
    ) -> Values:
        """With what underflow may take from so many terms, where any is not 0 and it would show."""
        lost = self.lost(terms)
        if size.size and not size.min() >= 2.0**50 * lost:
            size = size + lost * reached()
        return size


class HalfErrors(LocalErrors):
    """Those of a framework in half precision, as `balls.half` has it.

    Sums are taken in the precision that was measured for them, and round once to the dtype; they
    hold their own terms alone.
    """

    def contraction(
        self, a: Values, b: Values, result: Values, further_terms: int, bias: Values | None
    ) -> Values:
        """With a bias, the product may round to the dtype before: two roundings, of both results.

        They are independent, and add up by their squares.
        """
        norm = norm_of_products(a, b)
        to_dtype = np.abs(result)
        if bias is not None:
            to_dtype = np.hypot(result, result - bias)
        size = self._inside("matmul", result, norm, a.shape[-1] + (bias is not None))
        size = size + self.rounding.unit * to_dtype
        return self._reached(size, lambda: reached_by(a, b), a.shape[-1])

    def total(self, a: Values, result: Values, axis: Axis, further_terms: int) -> Values:
        """A loss may be summed over its outputs first, and over their rounded sums then."""
        norm, terms = norm_of_terms(a, axis), terms_of(a.shape, axis)
        if terms == 1:
            return np.zeros_like(norm)
        size = self._rounded(SUMS.get(axis, "sum"), result, norm, terms)
        if axis is None and a.ndim == 2:
            rows = a.sum(axis=1)
            by_row = self._rounded("row_sum", rows, norm_of_terms(a, 1), a.shape[1])
            of_rows = self._rounded("sum", result, norm_of_terms(rows, None), rows.size)
            size = np.maximum(size, np.hypot(np.sqrt(np.square(by_row).sum()), of_rows))
        return self._reached(np.asarray(size), lambda: norm > 0, terms)

    def joined(self, parts: Sequence[Values]) -> Values | None:
        """Of k parts, k − 1 additions; their partial sums are no larger than Σ|part|."""
        size = np.add.reduce([np.abs(part) for part in parts])
        return np.asarray(size * self.elementary(len(parts) - 1))

    def summand(self, times: int) -> float:
        return 0.0

    def shared(self, operation: str, *, measured: bool = True) -> float:
        """Nothing of what is computed more exactly: its error is that of rounding to the dtype."""
        precisions = {name: precision for name, precision, _ in self.rounding.inside}
        known = precisions.get(operation, self.rounding.dtype) if measured else self.rounding.dtype
        return self.systematic if known in (UNKNOWN, self.rounding.dtype) else 0.0

    def _rounded(self, operation: str, total: Values, norm: Values, terms: int) -> Values:
        return self._inside(operation, total, norm, terms) + self.rounding.unit * np.abs(total)

    def _inside(self, operation: str, total: Values, norm: Values, terms: int) -> Values:
        """A sum in the precision that it is taken in."""
        measured = terms <= MOST_TERMS
        unit = self.rounding.unit_in(operation) if measured else self.rounding.unit
        return self.of_sum(total, norm, terms, unit)


def norm_of_products(a: Values, b: Values) -> Values:
    """‖t‖₂ of the products in each element of a @ b; the larger ‖t‖₁ where squares might not do."""
    if within_root(a) and within_root(b):
        return np.asarray(np.sqrt(np.matmul(np.square(a), np.square(b))))
    return np.asarray(np.matmul(np.abs(a), np.abs(b)))


def reached_by(a: Values, b: Values) -> NDArray[np.bool_]:
    """Where a product in an element of a @ b is not exactly 0, though it may underflow."""
    return np.asarray(np.matmul(np.sign(np.abs(a)), np.sign(np.abs(b))) > 0)


def norm_of_terms(a: Values, axis: Axis) -> Values:
    """Likewise of the terms of a sum."""
    if within_root(a):
        return np.asarray(np.sqrt(np.square(a).sum(axis=axis)))
    return np.asarray(np.abs(a).sum(axis=axis))


def within_root(a: Values) -> bool:
    """Whether the square of each element is far from overflow, and from underflow or exactly 0."""
    size = np.abs(a)
    small = (size > 0) & (size < 1 / LARGEST_ROOT)
    return bool((size <= LARGEST_ROOT).all() and not small.any())
