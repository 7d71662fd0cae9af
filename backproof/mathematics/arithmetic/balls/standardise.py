"""Ball rules of standardising: x̂ = (x − μ)/s, its variance, and the way back.

Composed of elementary operations the bounds would charge x, μ and s as if they erred independently
of each other at every step. These rules use what they have in common, for any usual way to compute
them. The centred elements are C = X − mean X; the input of an implementation is off by δ, |δ| ≤ r.

**What moves.** x̂ has x through C and s. C moves by δ − mean δ, at most r + mean r. The variance
moves by Σ((C + d)² − C²)/N, with d = δ − mean δ and Σ C = 0, so by Σ(2Cδ + d²)/N: at most
Σ(2|C|r + r²)/N, for a variance is the least mean of squares about any number. s moves by that over
the sum of the two roots.

**What rounds in the variance.** Two passes square x − μ̂; an error e of μ̂ common to all adds e²
alone, and the rest is relative, N + 6 roundings. Updating and pairwise formulas (Welford, Note on a
method for calculating corrected sums of squares and products, Technometrics 4, 1962; Chan, Golub
and LeVeque, Algorithms for computing the sample variance, The American Statistician 37, 1983) add
up w·Δ² as they merge parts of n and m elements into one of S: Δ is the difference of their means,
w = nm/S. All w·Δ² together are Σ C². The mean of n elements errs by at most (n + 7)·u·M, with
M = max|x|, whether it is summed up, or updated: a merge rounds at the size of the new mean and
three times at that of its change, 7u·M, and averages what was off before. So Δ is off by
(S + 14)·u·M, and by Cauchy and Schwarz Σ w·Δ² by at most 2√(Σ C²)·D + D², D² = Σ w·((S + 14)uM)².
Σ w·S² ≤ N³/3, by induction: N³ − n³ − m³ = 3nmN, and w·N² = nmN. Σ w ≤ N·L, L = max(1, ½ log₂ N),
for w is at most the smaller part, whose elements come into one twice as large. So
D ≤ (N/√3 + 14√L)·√N·u·M (Minkowski), and as much of η for what underflows. E[x²] − E[x]² loses
γ_{3N+10} of E[x²]; only code in any form is granted that (`Rounding.any_form`).

**What rounds in x̂.** The mean errs by γ_{N+1}·mean|x|. Frameworks fold γ and β into
x·(γ/s) + (β − μγ/s): they round at the sizes of x and μ, not of x − μ, `UNCENTRED` times.

**What rounds on the way back.** x̄ = (g − mean g − q·P)/s with P = Σ g·x̂/N. PyTorch takes Σ g·x
and μ·Σ g apart, and x times its factor, too: all is charged at the size w = (|x| + mean|x|)/s,
N + 8 roundings of a term of P, eight of each term of x̄, and N + 6 of the mean of w, for a sum of
x − μ̂ that code adds though it is 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, inf, log2, sqrt

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import Ball, Values
from backproof.mathematics.arithmetic.rounding.model import Rounding, inflated
from backproof.mathematics.arithmetic.standard import Groups, Standard
from backproof.mathematics.arithmetic.standardised import UNCENTRED

# Roundings beside the sum: of squares and their quotient; of terms of the way back.
OF_SQUARES, OF_MEANS, OF_TERMS, OF_SUMS = 6, 6, 8, 8


@dataclass(eq=False)
class Groupwise:
    """A ball and its groups: what all rules ask of them. Arrays keep the axes, of length 1."""

    x: Ball
    by: Standard
    rounding: Rounding

    def __post_init__(self) -> None:
        self.groups: Groups = self.by.groups(self.x.shape)
        self.n = self.groups.terms
        self.slack = inflated(2 * self.n + 60)
        self.radius = of_ball(self.x)
        value: Values = self.x.value
        self.size = self.x.magnitude
        self.centred, self.moved, self.uncentred = value, self.radius, self.size
        if self.by.centred:
            self.centred = value - self.mean(value)
            # How far an element moves against its group, and how large it may be before.
            self.moved = self.radius + self.mean(self.radius)
            self.uncentred = self.size + self.mean(self.size)

    def mean(self, each: Values) -> Values:
        """The mean of each group."""
        return np.asarray(each.mean(axis=self.groups.axes, keepdims=True))

    def sum(self, each: Values) -> Values:
        """The sum of each group."""
        return np.asarray(each.sum(axis=self.groups.axes, keepdims=True))

    def variance(self) -> tuple[Values, Values]:
        """v of each group, and its radius."""
        rounding, n, divisor = self.rounding, self.n, self.groups.divisor
        size = np.abs(self.centred)
        exact = size + self.moved
        moved = self.sum(2 * exact * self.radius + np.square(self.radius))
        reached = self.sum(np.square(exact + self.moved))
        rounded = rounding.gamma_of_sum(n, OF_SQUARES) * reached
        if self.by.centred:
            largest = self.size.max(axis=self.groups.axes, keepdims=True)
            merges = 14 * sqrt(max(1.0, log2(n) / 2))
            times = n / sqrt(3) + merges
            gamma = rounding.gamma_of_sum(ceil(times) - int(merges), int(merges))
            off = sqrt(n) * (gamma * largest + times * rounding.eta)
            rounded = rounded + 2 * np.sqrt(reached) * off + np.square(off)
            if rounding.any_form:
                rounded = rounded + rounding.gamma_of_sum(3 * n, 10) * self.sum(
                    np.square(self.size)
                )
        radius = self.slack * (moved + rounded) / divisor + (n + 2) * rounding.eta
        return self.sum(np.square(self.centred)) / divisor, radius

    def deviation(self) -> Deviation:
        """s of each group: from v, ε and a root, whose reciprocal may be taken."""
        rounding, epsilon = self.rounding, self.by.epsilon
        v, radius = self.variance()
        held = epsilon * (rounding.unit + rounding.held(1)) + rounding.eta * (epsilon > 0)
        if self.by.inside:
            v = v + epsilon
            radius = radius + held + rounding.unit * (v + 2 * radius)
        least = np.maximum(v - 2 * self.slack * radius, 0)
        root = np.sqrt(v)
        # The move by radius/(√ + √), and never more than the root of it; then the root's own.
        moved = np.minimum(radius / (2 * np.sqrt(least)), np.sqrt(radius))
        off = moved + (root + 2 * moved) * rounding.charge("sqrt")
        if not self.by.inside:
            root = root + epsilon
            off = off + held + rounding.unit * (root + 2 * off)
        off = self.slack * off
        low = np.maximum(root - 2 * off, 0)
        return Deviation(root, low, self.slack * (off / low + rounding.gamma(4)))

    def standardised(self, s: Deviation, terms: int) -> tuple[Values, Values]:
        """x̂ and its radius; ``terms``: roundings more at the uncentred size."""
        rounding = self.rounding
        own = rounding.gamma(UNCENTRED + terms) * self.uncentred + 4 * rounding.eta
        if self.by.centred:
            own = own + rounding.gamma_of_sum(self.n, 1) * self.mean(self.size)
        off = self.moved + own
        radius = (off + (np.abs(self.centred) + 2 * off) * s.relative) / s.low
        return self.centred / s.value, self.slack * radius + rounding.eta * (1 + 1 / s.low)


@dataclass(frozen=True, eq=False)
class Deviation:
    """s of each group: its value, the least it may be, and how far it may be off relatively."""

    value: Values
    low: Values
    relative: Values


def variance(x: Ball, by: Standard, rounding: Rounding) -> Ball:
    """v of each group, in the shape without the axes."""
    groups = Groupwise(x, by, rounding)
    v, radius = (np.squeeze(each, groups.groups.axes) for each in groups.variance())
    return Ball(v, radius)


def standardise(x: Ball, by: Standard, rounding: Rounding, terms: int) -> Ball:
    """x̂; where s may be 0, nothing is known."""
    with np.errstate(all="ignore"):
        groups = Groupwise(x, by, rounding)
        return known(*groups.standardised(groups.deviation(), terms))


def pulled(x: Ball, cotangent: Ball, by: Standard, rounding: Rounding) -> Ball:
    """x̄; likewise."""
    with np.errstate(all="ignore"):
        groups = Groupwise(x, by, rounding)
        s = groups.deviation()
        normal, of_normal = groups.standardised(s, 0)
        direction, of_direction, uncentred = normal, of_normal, groups.uncentred / s.low
        if not by.inside:
            bare = replace(groups, by=replace(by, epsilon=0.0))
            root = bare.deviation()
            direction, of_direction = bare.standardised(root, 0)
            # Of nothing but zeros it is 0 (`floating.Continued`); of equal numbers it is noise.
            nothing = groups.size.max(axis=groups.groups.axes, keepdims=True) == 0
            direction = np.where(nothing, 0.0, direction)
            of_direction = np.where(nothing, 0.0, of_direction)
            uncentred = np.abs(direction) + 2 * of_direction  # nobody folds that quotient
        g, size, of_g = cotangent.value, cotangent.magnitude, of_ball(cotangent)
        n, divisor = groups.n, groups.groups.divisor
        along = groups.sum(g * normal) / divisor
        of_along = groups.sum((np.abs(normal) + 2 * of_normal) * of_g + size * of_normal)
        of_along += rounding.gamma_of_sum(n, OF_SUMS) * groups.sum(size * groups.uncentred / s.low)
        # Of g·x, which may be as small, underflow takes η before it is divided by s.
        of_along = groups.slack * of_along / divisor + (n + 2) * rounding.eta * (1 + 1 / s.low)
        most = np.abs(along) + 2 * of_along
        inner = g - direction * along
        radius = of_g + most * of_direction + (np.abs(direction) + 2 * of_direction) * of_along
        rounded = size + most * uncentred
        if by.centred:
            inner = inner - groups.mean(g)
            radius = radius + groups.mean(of_g) + rounding.gamma_of_sum(n, 1) * groups.mean(size)
            radius = radius + rounding.gamma_of_sum(n, OF_MEANS) * most * groups.mean(uncentred)
            rounded = rounded + groups.mean(size)
        radius = radius + rounding.gamma(OF_TERMS) * rounded
        radius = (radius + (np.abs(inner) + 2 * radius) * s.relative) / s.low
        # Factors that may underflow meet x, and 1/s³ the sum of g·x too.
        wide = groups.uncentred
        lost = (1 + 1 / s.low) * (1 + uncentred + groups.sum(size * wide) / divisor * wide)
        lost = rounding.eta * (lost + np.square(1 + 1 / s.low) * wide)
        return known(inner / s.value, groups.slack * radius + lost)


def of_ball(ball: Ball) -> Values:
    """The radius as an array."""
    return np.zeros_like(ball.value) if ball.radius is None else ball.radius


def known(value: Values, radius: Values) -> Ball:
    """A ball; of what is no number nothing is known."""
    fine = np.isfinite(value) & ~np.isnan(radius)
    return Ball(np.where(np.isnan(value), 0.0, value), np.where(fine, radius, inf))
