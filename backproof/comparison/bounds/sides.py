"""The bounds of the two that are compared at a point: of the worst case, and of random errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.bounds import Bound, Bounds, Values
from backproof.comparison.judging.rows import Grade
from backproof.comparison.record.record import SUBJECT, Point
from backproof.mathematics.arithmetic.rounding.model import Rounding

MANY_DIGITS = 1e-10


@dataclass(frozen=True)
class Pair:
    """The subject's bound and the reference's, of one grade."""

    grade: Grade
    mine: Bound
    its: Bound

    def radius(self, name: str) -> Values | None:
        """How far the two may be apart, element by element; None for what is counted."""
        if name not in self.mine.radii or name not in self.its.radii:
            return None
        mine, its = self.mine.radii[name], self.its.radii[name]
        # The common case is one model for both, one radius for both.
        return 2 * mine if mine is its else mine + its

    @property
    def open_samples(self) -> NDArray[np.intp]:
        """The samples that either may classify otherwise."""
        return np.union1d(self.mine.open_samples, self.its.open_samples)


class Sides:
    """The pairs of one comparison with a reference at a point, each evaluated when asked for."""

    def __init__(
        self, bounds: Bounds, reference: str, point: Point, *, same_branches: bool = False
    ) -> None:
        self.bounds = bounds
        self.who = (SUBJECT, reference)
        self.point = point
        self.same_branches = same_branches

    @cached_property
    def proven(self) -> Pair:
        """By rounding errors at their worst."""
        mine, its = (
            self.bounds.at(who, self.point, same_branches=self.same_branches) for who in self.who
        )
        return Pair(Grade.PROVEN, mine, its)

    @cached_property
    def statistical(self) -> Pair | None:
        """By random rounding errors; None where the run takes no chance."""
        if not self.bounds.record.chance:
            return None
        mine, its = (
            self.bounds.statistical(who, self.point, same_branches=self.same_branches)
            for who in self.who
        )
        return Pair(Grade.STATISTICAL, mine, its)

    @property
    def several_ways(self) -> bool:
        """Whether a unit may take either side of a kink, as far as that was looked at."""
        if "statistical" not in self.__dict__ or self.statistical is None:
            return False
        return any(
            self.bounds.statistical(who, self.point)
            is not self.bounds.statistical(who, self.point, same_branches=True)
            for who in self.who
        )

    def unknown(self, name: str) -> str:
        """Why random rounding errors say nothing of a tensor; empty where they do."""
        if self.statistical is None:
            return ""
        return next(
            filter(None, (self.bounds.unknown(who, self.point, name) for who in self.who)), ""
        )

    @cached_property
    def of_outputs(self) -> Pair:
        """The pair by which samples are left open: that of the outputs."""
        name = f"activation/{self.bounds.record.network.last.name}"
        if power_of(self.proven, name) <= enough(self.bounds.record.dtype):
            return self.proven
        other = self.statistical
        if other is None or len(other.open_samples) >= len(self.proven.open_samples):
            return self.proven
        return other


def power_of(pair: Pair, name: str) -> float:
    """2·max radius / max |value|, of the definition's value."""
    radius = pair.radius(name)
    if radius is None or not radius.size:
        return 0.0
    widest = 2 * float(radius.max())
    largest = float(np.abs(pair.mine.values[name]).max())
    return (widest / largest if largest else inf) if widest else 0.0


def enough(dtype: str) -> float:
    """The power from which on a worst case is not asked for more: half of the dtype's digits.

    In float64 ten digits: there random rounding errors have twelve at sizes at which the worst case
    is left with eight.
    """
    return MANY_DIGITS if dtype == "float64" else sqrt(Rounding.of(dtype).unit)
