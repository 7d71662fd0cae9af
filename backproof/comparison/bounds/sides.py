"""The bounds of the two that are compared at a point: of the worst case, and of random errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.bound import Bound, Values, apart, distance, enough
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.judging.rows import Grade
from backproof.comparison.record.record import SUBJECT, Point
from backproof.implementations.protocol import Tensors


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
        return apart(self.mine, self.its, name)

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
        self.twin: Tensors = bounds.record.evaluations[reference].get(point, {})
        """What the reference gave; once `proven` was asked for, with the subject's subgradients."""
        self.looked = False
        """Whether random rounding errors were asked for."""

    @cached_property
    def proven(self) -> Pair:
        """By rounding errors at their worst."""
        mine, its = (
            self.bounds.at(who, self.point, same_branches=self.same_branches) for who in self.who
        )
        if self.bounds.granted is not None:
            reference, granted = self.who[1], self.bounds.granted
            like = self.bounds.at(reference, self.point, same_branches=True, conventions=granted)
            mine, its, self.twin = beside(mine, its, self.twin, like)
        return Pair(Grade.PROVEN, mine, its)

    @property
    def statistical(self) -> Pair | None:
        """By random rounding errors; None where the run takes no chance.

        And where the subject is granted another subgradient, which replicas do not take.
        """
        if not self.bounds.record.chance or self.bounds.granted is not None:
            return None
        self.looked = True
        mine, its = (
            self.bounds.statistical(who, self.point, same_branches=self.same_branches)
            for who in self.who
        )
        return Pair(Grade.STATISTICAL, mine, its)

    @property
    def several_ways(self) -> bool:
        """Whether a unit may take either side of a kink, as far as that was looked at."""
        if not self.looked:
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
        both = self.proven.mine, self.proven.its
        if name in self.bounds.record.names(self.point):
            sure = max(side.power(name) for side in both) <= enough(
                self.bounds.record.dtype, self.point.name, self.point.step
            )
        else:  # the subject gives no outputs, only what they come to
            sure = not len(self.proven.open_samples)
        if sure:
            return self.proven
        other = self.statistical
        if other is None or len(other.open_samples) >= len(self.proven.open_samples):
            return self.proven
        return other


def beside(mine: Bound, its: Bound, twin: Tensors, like: Bound) -> tuple[Bound, Bound, Tensors]:
    """Bounds and reference for a subject with other subgradients: as if both took the same.

    ``like``: the reference's bound, were its subgradients the subject's: that is its own where it
    keeps it. Else, where the definition with these lies beside the definition, the reference is
    moved by as much, and the subject's bound widened by what that rounds.
    """
    radii, moved = dict(mine.radii), dict(twin)
    its_values, its_radii = dict(its.values), dict(its.radii)
    for name, value in mine.values.items():
        shift, given = value - its.values[name], twin.get(name)
        if given is None or given.shape != shift.shape or not shift.any():
            continue
        if distance(name, given, like) == 0:
            its_values[name], its_radii[name] = like.values[name], like.radii[name]
            continue
        moved[name] = np.asarray(given + shift, given.dtype)
        roundoff = float(np.finfo(given.dtype).eps)
        radii[name] = radii[name] + roundoff * (np.abs(value) + its.radii[name])
    return replace(mine, radii=radii), replace(its, values=its_values, radii=its_radii), moved


class SharedWay(Sides):
    """The same along the way that both have gone, where that is not the definition's."""

    @cached_property
    def pair(self) -> Pair | None:
        """By random rounding errors; None if it is the definition's way, or not known."""
        record = self.bounds.record
        if not record.chance or self.bounds.granted is not None:
            return None
        given = [record.evaluations[who].get(self.point, {}) for who in self.who]
        mine = self.bounds.along(SUBJECT, self.point, given)
        if mine is None:
            return None
        alike = self.bounds.rounding(SUBJECT) == self.bounds.rounding(self.who[1])
        its = mine if alike and not record.recovered else None
        its = its or self.bounds.along(self.who[1], self.point, given)
        return None if its is None else Pair(Grade.STATISTICAL, mine, its)

    @cached_property
    def proven(self) -> Pair:
        """The same: there is no other."""
        assert self.pair is not None
        return self.pair

    @property
    def statistical(self) -> Pair | None:
        """The same: there is no other."""
        return self.pair
