"""A bound: how far a correct implementation may lie from the exact result, at one point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.record.record import Point, Record
from backproof.implementations.host.mapped import LARGE, kept, mapped
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.measure import undecided
from backproof.mathematics.probes.probes import screens

Values = NDArray[np.floating]

# A demand on strength, not a tolerance: a comparison that would let an error of an eighth of the
# largest element pass has shown nothing.
WEAKEST_POWER = 1 / 8
# So many digits a worst case is asked for in float64: random rounding errors have twelve at sizes
# at which it is left with eight. Of a training, whose steps are many and alike, the first is asked
# for them, and the later ones for one less.
MANY_DIGITS, LATER_DIGITS = 1e-10, 1e-9


@dataclass(frozen=True, eq=False)
class Bound:
    """Values of the definition and radii by name at one point, and the samples left open.

    ``random``: how much of each radius random rounding errors make up; nothing in the worst case.
    """

    values: dict[str, Values]
    radii: dict[str, Values]
    open_samples: NDArray[np.intp]
    random: dict[str, Values] = field(default_factory=dict)

    @property
    def large(self) -> bool:
        """Whether it is not to be kept for long."""
        return any(array.nbytes >= LARGE for array in self.values.values())

    def widest(self) -> dict[str, float]:
        """The largest radius of each tensor."""
        return {name: float(radius.max()) for name, radius in self.radii.items()}

    def narrowed(self, other: Bound | None) -> Bound:
        """With the smaller radius of each element: both bounds hold."""
        if other is None:
            return self
        radii, random = dict(self.radii), dict(self.random)
        for name, radius in self.radii.items():
            if name in other.radii:
                radii[name] = kept(np.fmin(radius, other.radii[name]))
                if name in random:
                    random[name] = kept(np.where(radii[name] == radius, random[name], 0.0))
        return replace(self, radii=radii, random=random)

    def with_spreads(self, found: Mapping[str, Ball], random: Mapping[str, Values]) -> Bound:
        """With what random rounding errors say of some of its tensors."""
        part = Bound(
            values=mapped({name: ball.value for name, ball in found.items()}),
            radii=mapped({name: radius_of(ball) for name, ball in found.items()}),
            open_samples=self.open_samples,
            random=mapped({name: random[name] for name in found}),
        ).narrowed(self)
        values, radii = self.values | part.values, self.radii | part.radii
        return replace(self, values=values, radii=radii, random=part.random)

    @property
    def weakest(self) -> float:
        """The power of the weakest comparison of two such implementations."""
        return max(map(self.power, self.radii), default=0.0)

    def power(self, name: str) -> float:
        """4·max radius / max |value|: that of a comparison of two such implementations."""
        widest = 4 * float(self.radii[name].max(initial=0.0))
        largest = float(np.abs(self.values[name]).max(initial=0.0))
        return (widest / largest if largest else inf) if widest else 0.0


@dataclass(frozen=True, eq=False)
class Statistical:
    """Bounds of random rounding errors: of all right code, and of what goes the definition's way.

    ``sites``: those of `spreads_at`, where a unit may take either side of a kink. ``unknown``: by
    name, why nothing is known of some element.
    """

    every_way: Bound
    one_way: Bound
    sites: dict[str, Ball]
    unknown: dict[str, str]


def enough(dtype: str, point: str, step: int = 0) -> float:
    """The power from which on a worst case is not asked for more: half of the dtype's digits.

    More of them in float64, but at a probe that screens, which is made for what is grossly wrong.
    """
    if dtype == "float64" and not screens(point):
        return LATER_DIGITS if step else MANY_DIGITS
    return sqrt(Rounding.of(dtype).unit)


def bound_of(
    record: Record, point: Point, balls: Mapping[str, Ball], random: Mapping[str, Values] = {}
) -> Bound:
    """Values, radii and open samples of an evaluation in balls."""
    last = balls[f"activation/{record.network.last.name}"]
    unsure = (
        undecided(record.network, last.value, radius_of(last))
        & record.network.valid(record.batch(point).targets)
        if record.network.decision
        else np.zeros(record.network.rows(len(last.value)), bool)
    )
    names = [name for name in record.names(point) if name in balls]
    return Bound(
        values=mapped({name: balls[name].value for name in names}),
        radii=mapped({name: radius_of(balls[name]) for name in names}),
        open_samples=np.flatnonzero(unsure),
        random=mapped({name: random[name] for name in names if name in random}),
    )


def apart(mine: Bound, its: Bound, name: str) -> Values:
    """How far two implementations may be apart, element by element: r₁ + r₂, or less.

    What rounding errors make up of the radii, t·σ₁ and t·σ₂, adds up by its squares. The errors of
    the two are independent, so that their difference has the variance σ₁² + σ₂²; or they go the
    same way, where both call one library, and it has less. And it exceeds t·√(σ̂₁² + σ̂₂²), of
    spreads of K replicas each, no more often than either exceeds t·σ̂: by how far a Gaussian z
    exceeds t·√S is convex in S, and S = (σ̂₁² + σ̂₂²)/(σ₁² + σ₂²) is a mean of σ̂₁²/σ₁² and σ̂₂²/σ₂²
    with weights, so that the chance is at most that mean of the two chances (Jensen's inequality).
    This asks nothing of how the two spreads depend on each other.

    What is certain (open units, a second order, declared accuracies, worst cases) adds up as it is.
    """
    one, other = mine.radii[name], its.radii[name]
    # A radius beyond all numbers is infinite, and says nothing.
    with np.errstate(over="ignore", invalid="ignore"):
        # The common case is one model for both, one radius for both.
        both = 2 * one if one is other else one + other
        if name in mine.random and name in its.random:
            first, second = mine.random[name], its.random[name]
            less = first + second
            less -= np.hypot(first, second)
            both = np.where(np.isfinite(both), both - less, inf)
    return both


def radius_of(ball: Ball) -> Values:
    """The radius as an array; infinite where the value itself overflowed."""
    radius = np.zeros_like(ball.value) if ball.radius is None else ball.radius
    with np.errstate(over="ignore", invalid="ignore"):
        finite = isfinite(float(ball.value.sum())) and isfinite(float(radius.sum()))
    if finite:
        return radius
    return np.where(np.isfinite(ball.value) & np.isfinite(radius), radius, np.inf)


def bounded(ball: Ball) -> bool:
    """Whether value and radius are finite throughout."""
    return bool(np.isfinite(ball.value).all()) and (
        ball.radius is None or bool(np.isfinite(ball.radius).all())
    )


def distance(name: str, computed: Values, bound: Bound) -> float:
    """How far an implementation lies from the definition, relatively to the largest element.

    0 if it may be right: a correct one and the definition's value are each within the radius of the
    exact result. More than that proves it wrong, whatever it is compared with.
    """
    if name not in bound.values:
        return 0.0
    value = bound.values[name]
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.abs(computed - value)
        if (gap <= 2 * bound.radii[name]).all():
            return 0.0
        return float(gap.max() / (np.abs(value).max() or 1))
