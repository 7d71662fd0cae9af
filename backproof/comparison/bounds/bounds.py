"""The bounds at every point of a record: the definition evaluated in balls, once for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from backproof.comparison.bounds.bound import (
    WEAKEST_POWER,
    Bound,
    Statistical,
    Values,
    bound_of,
    enough,
)
from backproof.comparison.bounds.models import Conventions, declared, traits_of
from backproof.comparison.bounds.statistical import Spreads, shifts_to, spreads_at
from backproof.comparison.bounds.vacuity import Watch
from backproof.comparison.bounds.worst_case import balls_at, in_files, shifted
from backproof.comparison.judging.rows import Grade
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.implementations.host import watched
from backproof.implementations.host.mapped import let_go
from backproof.mathematics.arithmetic.balls.accumulating import balls_of
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.sites import Intervention

Key = tuple[Rounding, bool, Point]
"""The model, whether gradients are recovered from the step, and where."""


class Bounds:
    """The bounds of one record, computed when they are first asked for, and kept.

    Of those that are large only the last point's are, and what is asked for at several points.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.idle: dict[tuple[str, int], dict[str, str]] = {}
        """By point and step, the tensors that it does not exercise, each with the reason."""
        self.granted: Conventions | None = None
        """What the subject is judged with, beside its declarations."""
        self._roundings: dict[tuple[str, Conventions | None], Rounding] = {}
        self._spread: dict[Key, Statistical] = {}
        self._known: dict[Key, Bound] = {}
        self._widest: dict[tuple[Grade, Key], dict[str, float]] = {}
        self._large = False
        self._alive: set[str] = set()
        self._arithmetics: dict[Rounding, BallOps] = {}

    def _arithmetic(self, rounding: Rounding) -> BallOps:
        if rounding not in self._arithmetics:
            self._arithmetics[rounding] = balls_of(rounding)
        return self._arithmetics[rounding]

    def rounding(self, implementation: str) -> Rounding:
        """The rounding model that the implementation declares in this dtype, with its form.

        What is declared of functions that the network does not have is left out, so that models
        are the same without.
        """
        key = implementation, self.granted
        if key not in self._roundings:
            self._roundings[key] = declared(self.record, implementation, self.granted)
        return self._roundings[key]

    def with_float32_coefficients(
        self, implementation: str, point: Point, grade: Grade | None = None
    ) -> Bound | None:
        """The same, if it holds its coefficients as `Traits.coefficients` says."""
        unit = traits_of(implementation).coefficients
        if unit <= Rounding.of(self.record.dtype).unit:
            return None
        rounding = replace(self.rounding(implementation), coefficients=unit)
        if grade is Grade.STATISTICAL:
            return self._random(rounding, False, point).every_way
        return bound_of(self.record, point, balls_at(self.record, balls_of(rounding), point))

    def graded(self, implementation: str, point: Point, grade: Grade | None) -> Bound:
        """The bound by which a comparison of that grade was judged."""
        if grade is Grade.STATISTICAL:
            return self.statistical(implementation, point)
        return self.at(implementation, point)

    def at(
        self,
        implementation: str,
        point: Point,
        *,
        same_branches: bool = False,
        conventions: Conventions | None = None,
    ) -> Bound:
        """How far that implementation may lie from the exact result at that point.

        ``same_branches``: if it takes the definition's side at every kink. ``conventions``: with
        these, whatever is granted.
        """
        rounding = self.rounding(implementation)
        if conventions is not None:
            rounding = rounding.in_any_form(conventions.at_kinks)
        if same_branches:
            rounding = rounding.on_same_branches()
        key = self._key(implementation, point, rounding)
        if key not in self._known:
            if self._large:
                self._make_room(point)
            self._known[key] = self._compute(rounding, point, recovers=key[1])
            self._large = self._known[key].large
        return self._known[key]

    def statistical(
        self, implementation: str, point: Point, *, same_branches: bool = False
    ) -> Bound:
        """The same, by random rounding errors: correct code exceeds it at the record's chance."""
        found = self._random(*self._key(implementation, point, self.rounding(implementation)))
        return found.one_way if same_branches else found.every_way

    def along(
        self, implementation: str, point: Point, given: Sequence[Mapping[str, Values]]
    ) -> Bound | None:
        """The same along the way that all of these have gone; None if it is the definition's."""
        rounding, recovers, _ = self._key(implementation, point, self.rounding(implementation))
        known = self._random(rounding, recovers, point)
        large = known.every_way.large
        sites = self.sites(implementation, point, "z/") if large else known.sites
        shifts = shifts_to(self.record.network, sites, given)
        if not shifts:
            return None
        if large:
            return self._along_of_large(known.every_way, rounding, point, shifts, recovers=recovers)
        found = spreads_at(self.record, rounding, point, recovers=recovers, shifts=shifts)
        return bound_of(self.record, point, found.one_way, found.random)

    def _along_of_large(
        self,
        known: Bound,
        rounding: Rounding,
        point: Point,
        shifts: Mapping[str, Values],
        *,
        recovers: bool,
    ) -> Bound:
        """That way in the worst case, for it is evaluated once; by replicas where it is too weak.

        And of those tensors alone that are undecided otherwise.
        """
        ops = balls_of(rounding.on_same_branches())
        balls = balls_at(self.record, ops, point, shifted(shifts), recovers=recovers)
        found = bound_of(self.record, point, balls).narrowed(known)
        only = frozenset(name for name in found.radii if not found.power(name) <= WEAKEST_POWER)
        if not only:
            return found
        spread = spreads_at(
            self.record, rounding, point, recovers=recovers, watched=(), shifts=shifts, only=only
        )
        return found.with_spreads(spread.one_way, spread.random)

    def _random(self, rounding: Rounding, recovers: bool, point: Point) -> Statistical:
        key = (rounding, recovers, point)
        if key not in self._spread:
            if self._large:
                self._make_room(point)
            known = self._known.get(key)
            if known is not None and known.large and not self.idle.get((point.name, point.step)):
                self._spread[key] = self._of_weak(known, rounding, point, recovers=recovers)
                return self._spread[key]
            found = spreads_at(self.record, rounding, point, recovers=recovers)
            every_way = bound_of(self.record, point, found.tensors, found.random).narrowed(known)
            one_way = every_way
            if found.opened:
                one_way = bound_of(self.record, point, found.one_way, found.random)
                one_way = one_way.narrowed(known)
            sites = found.sites if found.opened else {}
            self._spread[key] = Statistical(every_way, one_way, sites, found.unknown)
            self._reconsider(found, rounding, point)
        return self._spread[key]

    def _of_weak(
        self, known: Bound, rounding: Rounding, point: Point, *, recovers: bool
    ) -> Statistical:
        """Large tensors' spreads, of those alone of which the worst case says too little."""
        wanted = enough(self.record.dtype, point.name, point.step) / 2
        weak = [name for name in known.radii if not known.power(name) <= wanted]
        if not weak:
            return Statistical(known, known, {}, {})
        # Where it is an open unit that makes it weak, replicas would say the same.
        key = rounding.on_same_branches(), recovers, point
        if key not in self._known:
            self._known[key] = self._compute(key[0], point, recovers=recovers)
        only = frozenset(name for name in weak if not self._known[key].power(name) <= wanted)
        if not only:
            return Statistical(known, known, {}, {})
        found = spreads_at(self.record, rounding, point, recovers=recovers, watched=(), only=only)
        every_way = known.with_spreads(found.tensors, found.random)
        one_way = known.with_spreads(found.one_way, found.random) if found.opened else every_way
        return Statistical(every_way, one_way, {}, found.unknown)

    def _reconsider(self, found: Spreads, rounding: Rounding, point: Point) -> None:
        """What the worst case cannot tell from 0, may be exercised all the same."""
        watch = Watch(self.record.network, self._alive)
        watch.seen = found.sites | found.tensors
        for name in self.record.network.parameters:
            # As large as all parameters: it is not carried through every replica for that.
            moved = self.record.parameters[point][name] - found.tensors[f"updated/{name}"].value
            watch.seen[f"change/{name}"] = Ball(moved, None)
        with np.errstate(all="ignore"):
            idle = watch.idle(self._arithmetic(rounding), found.tensors)
        known = self.idle.get((point.name, point.step), {})
        self.idle[point.name, point.step] = {
            name: reason for name, reason in known.items() if name in idle
        }

    def best(self, implementation: str, point: Point) -> Bound:
        """The narrowest bound that was derived there."""
        found = self._spread.get(self._key(implementation, point, self.rounding(implementation)))
        return self.at(implementation, point) if found is None else found.every_way

    def changed(self, implementation: str, point: Point, change: Intervention) -> Bound | None:
        """The bound of a definition with changes, by random errors, where these were asked for."""
        rounding, recovers, _ = key = self._key(
            implementation, point, self.rounding(implementation)
        )
        if key not in self._spread:
            return None
        found = spreads_at(
            self.record, rounding, point, recovers=recovers, watched=(), change=change, few=True
        )
        return bound_of(self.record, point, found.tensors)

    def unknown(self, implementation: str, point: Point, name: str) -> str:
        """Why random rounding errors say nothing of a tensor; "" where they do."""
        kept = self._spread.get(self._key(implementation, point, self.rounding(implementation)))
        return kept.unknown.get(name, "") if kept else ""

    def _key(self, implementation: str, point: Point, rounding: Rounding) -> Key:
        return rounding, self.record.recovered and implementation == SUBJECT, point

    def _make_room(self, point: Point) -> None:
        """Forget large bounds at other points, but for what `widest` is asked of them.

        And let go of the memory that this point's arrays take up in files.
        """
        for key, bound in list(self._known.items()):
            if bound.large and key[2] != point:
                self._widest[Grade.PROVEN, key] = self._known.pop(key).widest()
            else:
                let_go(bound.values)
                let_go(bound.radii)
        for key, found in list(self._spread.items()):
            if found.every_way.large and key[2] != point:
                self._widest[Grade.STATISTICAL, key] = self._spread.pop(key).every_way.widest()
            else:
                for bound in (found.every_way, found.one_way):
                    for arrays in (bound.values, bound.radii, bound.random):
                        let_go(arrays)
        self.record.let_go(point)

    def widest(
        self, implementation: str, point: Point, grade: Grade | None = None
    ) -> dict[str, float]:
        """The largest radius of each tensor of an implementation at a point."""
        key = (
            grade or Grade.PROVEN,
            self._key(implementation, point, self.rounding(implementation)),
        )
        if key not in self._widest:
            self._widest[key] = self.graded(implementation, point, grade).widest()
        return self._widest[key]

    def _compute(self, rounding: Rounding, point: Point, *, recovers: bool) -> Bound:
        ops = self._arithmetic(rounding)
        if rounding.same_branches:
            balls = balls_at(self.record, ops, point, recovers=recovers)
            return bound_of(self.record, point, balls)
        watch = Watch(self.record.network, self._alive)
        balls = balls_at(self.record, ops, point, watch, recovers=recovers)
        with np.errstate(all="ignore"):
            self.idle[point.name, point.step] = watch.idle(ops, balls)
        return bound_of(self.record, point, balls)

    def sites(self, implementation: str, point: Point, begin: str = "") -> dict[str, Ball]:
        """Every named site of the definition at a point, in the order of computation.

        ``begin``: those whose names begin like that.
        """
        seen: dict[str, Ball] = {}

        def noted(name: str, value: Ball, scope: object) -> Ball:
            if name.startswith(begin):
                seen[name] = in_files(value)
            return value

        balls_at(self.record, self._arithmetic(self.rounding(implementation)), point, noted)
        return seen

    def random_sites(self, implementation: str, point: Point) -> dict[str, Ball]:
        """The same where rounding errors are random, from few replicas: it only explains."""
        rounding = self.rounding(implementation)
        found = spreads_at(self.record, rounding, point, recovers=False, watched=("",), few=True)
        return {name: in_files(ball) for name, ball in found.sites.items()}

    def prepare(self, *implementations: str) -> None:
        """Compute all bounds now: while the workers are busy, say. Large ones only when needed."""
        for implementation in implementations:
            for point in self.record.parameters:
                watched.tell_again()  # a limit is for each point
                bound = self.at(implementation, point)
                if bound.large:
                    return
                wanted = enough(self.record.dtype, point.name, point.step)
                if self.record.chance and bound.weakest > wanted / 2:
                    self.statistical(implementation, point)
