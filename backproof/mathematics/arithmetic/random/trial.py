"""Replicas of one evaluation, and the spread and radius of each element over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.operations import radius_of
from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.arithmetic.random.each_alone import Alone, EachAlone
from backproof.mathematics.arithmetic.random.local_errors import LocalErrors
from backproof.mathematics.arithmetic.random.open_units import OpenOps
from backproof.mathematics.arithmetic.random.recording import Recording
from backproof.mathematics.arithmetic.random.replicas import RandomOps, Replicas
from backproof.mathematics.arithmetic.random.squares import Squares
from backproof.mathematics.arithmetic.random.tape import SMALLEST_UNIT, Local, Tape
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.sites import Intervention, unchanged

Values = NDArray[np.floating]

Evaluation = Callable[[Ops[Any], Intervention], Mapping[str, Any]]
"""The definition at a point, in any arithmetic: tensors by name. Called again and again."""

# Arrays of the size of a result that are alive at a time, for one replica.
ALIVE = 4
# Declared errors up to which each is tried alone.
MOST_ALONE = 1024
# Of the tensors of an evaluation: beyond, its sites are not looked at one by one.
MOST_BYTES = 1 << 28
# A spread that changes by more than a quarter as disturbances double is none.
MOST_BENT = 0.25
# What roundings may do to what an open unit does is of second order; sums have N·u below that.
OPEN_ROUNDED = 0.125


@dataclass(frozen=True, eq=False)
class Spread:
    """What rounding makes of one tensor.

    ``value``: the definition's, in float64. ``sigma``: the standard deviation of an
    implementation's rounding error, 0 where nothing is rounded. ``radius``: how far an
    implementation may lie from the exact result, but for the chance asked for; infinite where that
    is not known, and then ``unknown`` says why, with the site. ``one_way``: the radius of one that
    takes the definition's side at every kink; the same array where no side is open.
    ``deviations``: how many σ of it are those of rounding errors, the rest being certain.
    """

    value: Values
    sigma: Values
    radius: Values
    one_way: Values
    deviations: float
    unknown: str = ""

    def wider(self, by: float) -> Spread:
        """With so much more of a radius."""
        one_way = self.one_way + by
        radius = one_way if self.radius is self.one_way else self.radius + by
        return replace(self, radius=radius, one_way=one_way)

    def besides(self, other: Spread) -> Spread:
        """With the declared errors of another spread besides its own rounding errors."""
        one_way = self.one_way + other.one_way
        opened = self.radius is not self.one_way or other.radius is not other.one_way
        return Spread(
            self.value,
            self.sigma,
            self.radius + other.radius if opened else one_way,
            one_way,
            self.deviations,
            self.unknown or other.unknown,
        )


def quantile(replicas: int, chance: float) -> float:
    """How many spreads, of so many replicas, an element exceeds by that chance, on either side.

    An error over the root of the mean of K squares, of replicas about a known centre, follows
    Student's t with K degrees of freedom (Student, The probable error of a mean, Biometrika 6,
    1908), if all are Gaussian; for replicas that are not quite, see `random.draws`.
    """
    from scipy.special import stdtrit  # the import would be felt in every worker

    return -float(stdtrit(replicas, chance / 2))


class Trial:
    """Replicas of one evaluation in one rounding model."""

    def __init__(
        self,
        evaluation: Evaluation,
        errors: LocalErrors,
        rounding: Rounding,
        seed: int,
        enlarged: tuple[float, float],
    ) -> None:
        self.evaluation = evaluation
        self.rounding = rounding
        self.seed = seed
        self.enlargements = enlarged
        self.tape = Tape(errors)
        found = evaluation(Recording(self.tape), unchanged)
        # What has two names is looked at once: the gradient by the inputs is a site, too.
        first: dict[int, str] = {}
        self.same = {name: first.setdefault(id(value), name) for name, value in found.items()}
        self.values = {
            name: np.asarray(value, order="C")
            for name, value in found.items()
            if self.same[name] == name
        }

    def each_alone(self, memory: int) -> Alone | None:
        """What each error does alone, summed up; None where these are too many."""
        totals: dict[str, Values] = {name: np.zeros(v.shape) for name, v in self.values.items()}
        many, start, count = self._fitting(memory), 0, 1
        while start < count:
            ops = EachAlone(self.tape, replicas=min(many, MOST_ALONE), start=start)
            found = self.evaluation(ops, unchanged)
            for name, total in totals.items():
                total += np.abs(found[name].drawn - self.values[name]).sum(axis=0)
            start, count = start + ops.replicas, ops.count
            if count > MOST_ALONE:
                return None
        return Alone(totals, count)

    def spreads(
        self, chance: float, replicas: int, memory: int, alone: Alone | None = None
    ) -> dict[str, Spread]:
        """See `spreads` of the module. ``alone``: what the errors do one by one, if known."""
        deviations = quantile(replicas, chance)
        squares = {name: Squares(value.shape) for name, value in self.values.items()}
        bent = {name: Squares(value.shape) for name, value in self.values.items()}
        pairs = pairs_of(replicas) if alone is None else replicas
        first = self.enlargements[0]
        for start, many in self._chunks(replicas, pairs, memory):
            self._add_up(squares, bent if start < pairs else {}, start, many)
        opened = self._opened(deviations, replicas)
        found = {}
        for name, value in self.values.items():
            sigma = squares.pop(name).root_mean(replicas, 1 / first)
            curve = bent.pop(name).root_mean(pairs, 1 / first)
            radius = deviations * (sigma + max(1.0, deviations / first) * curve)
            linear = curve <= min(MOST_BENT, first / deviations) * sigma
            radius = np.where(linear, radius, inf)
            if alone is not None:
                radius = np.fmin(radius, alone.radius(name, curve))
            radius = np.where(np.isfinite(value) & np.isfinite(radius), radius, inf)
            # Where a sum's terms are exactly 0 without errors, their underflow is on no tape.
            lost, hidden = self.tape.lost, self.tape.hidden
            every_way = one_way = radius + np.where(sigma > 0, lost, hidden)
            if name in opened:
                off = opened.pop(name)
                every_way = radius + np.where((sigma > 0) | (off > 0), lost, hidden)
                every_way += (1 + OPEN_ROUNDED) * off
            unknown = "" if np.isfinite(every_way).all() else self._why(name, pairs)
            found[name] = Spread(value, sigma, every_way, one_way, deviations, unknown)
        return {name: found[other] for name, other in self.same.items()}

    def _add_up(
        self, squares: Mapping[str, Squares], bent: Mapping[str, Squares], start: int, many: int
    ) -> None:
        """So many replicas more; what they hold is let go of before the next are made."""
        first, second = self.enlargements
        once = dict(self._replicas(start, many, first))
        for name, total in squares.items():
            total.add(once[name].drawn, self.values[name])
        if bent:
            twice = dict(self._replicas(start, many, second))
            for name, total in bent.items():
                total.add(bend(once.pop(name), twice.pop(name), self.values[name]))

    def apart(self, replicas: int, memory: int) -> dict[str, float]:
        """See `apart` of `random.spread`."""
        squares = {name: Squares(value.shape) for name, value in self.values.items()}
        for start, many in self._chunks(replicas, 0, memory):
            once = self._replicas(start, many, self.enlargements[0])
            for name, total in squares.items():
                total.add(once[name].drawn, self.values[name])
        found = {}
        for name, value in self.values.items():
            sigma = float(squares[name].root_mean(replicas).max(initial=0.0))
            largest = float(np.abs(value).max(initial=0.0))
            share = sigma / largest if largest else inf
            found[name] = (share if isfinite(share) else inf) if sigma else 0.0
        return {name: found[other] for name, other in self.same.items()}

    def _chunks(self, replicas: int, pairs: int, memory: int) -> Iterator[tuple[int, int]]:
        """First and number of the replicas that are evaluated at a time, those of pairs first."""
        most = self._fitting(memory)
        for begin, end in ((0, pairs), (pairs, replicas)):
            for start in range(begin, end, most):
                yield start, min(most, end - start)

    def _fitting(self, memory: int) -> int:
        """How many replicas fit into so much memory: one, at least."""
        # Of what is wanted, or of the largest results on the way.
        sizes = [0 if each.size is None else each.size.nbytes for each in self.tape.entries]
        one = ALIVE * max(
            sum(value.nbytes for value in self.values.values()), max(sizes, default=0)
        )
        return max(1, memory // max(1, one))

    def _replicas(
        self, start: int, many: int, enlargement: float, intervene: Intervention = unchanged
    ) -> Mapping[str, Replicas]:
        """So many replicas; the same start means the same draws."""
        ops = RandomOps(
            self.tape,
            replicas=many,
            enlargement=enlargement,
            seed=(self.seed, start),
            watching=enlargement == self.enlargements[0] and intervene is unchanged,
        )
        return self.evaluation(ops, intervene)

    def _opened(self, deviations: float, replicas: int) -> dict[str, Values]:
        """What units with an open side add to the radius, by name, if there are any."""
        if self.rounding.same_branches:
            return {}
        # In float64 the definition's own value may have moved as well, to the other side; and by
        # declared errors, which are in replicas of their own.
        twice = self.rounding.unit < SMALLEST_UNIT or self.rounding.absolute
        times = 2.0 if twice else 1.0
        deviation = times * deviations / self.enlargements[0]
        watched = self.tape.watched
        reaches = [local.reaches(deviation, replicas, self.tape.hidden) for local in watched]
        if not any(map(Local.is_open, watched, reaches)):
            return {}
        balls = self.evaluation(OpenOps(self.rounding, iter(reaches)), unchanged)
        return {name: radius_of(ball) for name, ball in balls.items() if ball.radius is not None}

    def _why(self, name: str, pairs: int) -> str:
        """The first site, in the order of computation, of which nothing is known, and why."""
        if sum(value.nbytes for value in self.values.values()) > MOST_BYTES:
            return f"not of first order at {name}"
        values: dict[str, Any] = {}
        once: dict[str, Any] = {}
        twice: dict[str, Any] = {}
        first, second = self.enlargements
        few = min(pairs, 4)

        def keeping(found: dict[str, Any]) -> Intervention:
            def keep(site: str, value: Any, scope: object) -> Any:
                found[site] = value
                return value

            return keep

        self.evaluation(Recording(Tape(self.tape.errors)), keeping(values))
        self._replicas(0, few, first, keeping(once))
        self._replicas(0, few, second, keeping(twice))
        for site, value in values.items():
            if site not in once:
                continue
            moved, again = once[site].drawn - value, twice[site].drawn - value
            if not (np.isfinite(moved).all() and np.isfinite(again).all()):
                return f"lost at {site}: a result there is not finite, or nothing bounds its error"
            size = np.sqrt(np.square(moved).mean(axis=0))
            off = np.sqrt(np.square(again * (first / second) - moved).mean(axis=0))
            if (off > MOST_BENT * size).any():
                return (
                    f"not of first order at {site}: twice the rounding errors do not move it twice "
                    "as far"
                )
        return f"not of first order at {name}"


def pairs_of(replicas: int) -> int:
    """How many replicas are evaluated twice."""
    return max(1, replicas // 8)


def bend(once: Replicas, twice: Replicas, value: Values) -> Values:
    """By how much replicas of twice the disturbance are not twice as far off."""
    found = twice.drawn - value
    found *= 0.5
    found -= once.drawn - value
    return found
