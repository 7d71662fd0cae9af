"""Evidence: where an implementation is not within its bound, and what would explain that.

A suspect is a fault, or two of them, planted in the definition. It explains a tensor if the tensor
lies within the bound of the definition with that fault, as a correct one lies within its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.bound import WEAKEST_POWER, Bound, bound_of, distance
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.worst_case import balls_at
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.mathematics.arithmetic.balls.accumulating import balls_of
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding, held_in
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.measure import measure
from backproof.mathematics.definition.sites import Intervention, Scope, unchanged
from backproof.mathematics.definition.step import recovered
from backproof.mathematics.faults import Kind, Planted
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.probes.probes import PROBES

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AsComputed(Planted):
    """A site that was not explained: what was computed there stands, at the points that show it."""

    shown: Mapping[Point, Values] = field(default_factory=dict)
    site: str = ""
    roundings: int = 4
    """How often it may have been rounded since, at the size of its largest element."""

    def put(self, point: Point, name: str, value: Any, scope: Scope[Any]) -> Any:
        """The value at a site, or what was computed there."""
        if name != self.site or point not in self.shown:
            return value
        ops, shown = scope.ops, self.shown[point]
        size = np.full(shown.shape, float(np.abs(shown).max(initial=0.0)))
        return charged_at(ops, ops.exact(shown), ops.exact(size), self.roundings)


@dataclass(frozen=True)
class Suspect:
    """One fault or several, planted together: at a site that two change, the first goes first."""

    plants: tuple[Planted, ...]

    def intervene(self, name: str, value: Any, scope: Scope[Any]) -> Any:
        """The value at a site with every change made."""
        for plant in self.plants:
            value = plant.intervene(name, value, scope)
        return value

    def at(self, point: Point) -> Intervention:
        """The intervention at a point: where something is given as it was computed, that."""
        if not any(isinstance(plant, AsComputed) for plant in self.plants):
            return self.intervene

        def intervene(name: str, value: Any, scope: Scope[Any]) -> Any:
            for plant in self.plants:
                if isinstance(plant, AsComputed):
                    value = plant.put(point, name, value, scope)
                else:
                    value = plant.intervene(name, value, scope)
            return value

        return intervene

    @property
    def numerical(self) -> bool:
        """Whether it is to be seen in floating point alone."""
        return any(plant.fault.kind is Kind.NUMERICAL for plant in self.plants)

    @property
    def remembers(self) -> bool:
        """Whether it looks at the calls before."""
        return any(plant.fault.remembers for plant in self.plants)


@dataclass(frozen=True)
class Fit:
    """Whether a suspect explains every tensor at a point, and how well those that are off.

    ``radius``: the most that its bound leaves open of a deviation, as a share of it; infinite if it
    leaves open too much of every one.
    """

    whole: bool
    radius: float


def calls(record: Record) -> list[Point]:
    """The points in the order in which the subject was called: steps, further weights, probes."""
    rank = {name: place for place, name in enumerate(PROBES, start=2)}

    def place(point: Point) -> tuple[int, str, int]:
        return (0 if point.name == DATA else rank.get(point.name, 1), point.name, point.step)

    return sorted(record.parameters, key=place)


class Evidence:
    """What one implementation of a record computed, held against the definition."""

    def __init__(self, record: Record, bounds: Bounds, who: str) -> None:
        self.record = record
        self.bounds = bounds
        self.who = who
        self.given = record.evaluations.get(who, {})
        self.calls = calls(record)
        self.points = [point for point in self.calls if point in self.given]
        self.recovers = record.recovered and who == SUBJECT
        self._ops = balls_of(bounds.rounding(who))

    def among(self, points: Iterable[Point]) -> Evidence:
        """The same at some of its points alone."""
        chosen = set(points)
        other = Evidence(self.record, self.bounds, self.who)
        other.points = [point for point in self.points if point in chosen]
        other.off = {point: names for point, names in self.off.items() if point in chosen}
        return other

    def left(self, suspect: Suspect, point: Point) -> list[str]:
        """What the suspect does not explain at a point."""
        wrong = self._bound(suspect, point)
        at = suspect.at(point)
        return [n for n in self.names(point) if not self._within(n, point, wrong, at)]

    def accuracies(self, suspect: Suspect, point: Point) -> Callable[[Intervention], bool]:
        """Whether another intervention in the accuracy alone, beside the suspect, explains it."""
        bound = self._bound(suspect, point)
        outputs = self._outputs(point, bound, suspect.at(point))
        batch, actual = self.record.batch(point), float(self.given[point]["accuracy"])
        state, network = self.record.parameters[point], self.record.network

        def explains(intervene: Intervention) -> bool:
            found = measure(network, state, batch, outputs, intervene)["accuracy"]
            # A quotient of the subject's own may round in float32.
            judged = np.count_nonzero(network.valid(batch.targets))
            near = 1e-6 * abs(actual) + len(bound.open_samples) / judged
            both = np.isnan(actual) and np.isnan(found)  # a mean of no sample
            return bool(both or abs(actual - float(found)) <= near)

        return explains

    @property
    def unit(self) -> float:
        return Rounding.of(self.record.dtype).unit

    @cached_property
    def off(self) -> dict[Point, list[str]]:
        """Where it cannot be right: the tensors at each point, in the order of computation."""
        found = {}
        for point in self.points:
            right = self.right(point)
            names = [n for n in self.names(point) if not self._within(n, point, right, unchanged)]
            if names:
                found[point] = names
        return found

    def names(self, point: Point) -> list[str]:
        """What it gave at a point in the shape that is wanted, in the order of computation."""
        bound, given = self.right(point), self.given[point]
        return [
            name
            for name in self.record.names(point)
            if name in given
            and given[name].dtype.kind in "fiu"
            and given[name].shape == (bound.radii[name].shape if name in bound.radii else ())
        ]

    def right(self, point: Point) -> Bound:
        """The definition's values and bounds at a point."""
        return self.bounds.best(self.who, point)

    def fit(self, suspect: Suspect, point: Point) -> Fit:
        """Whether the suspect explains everything that was computed at a point."""
        wrong = self._bound(suspect, point)
        for name in self.names(point):
            if not self._within(name, point, wrong, suspect.at(point)):
                return Fit(False, inf)
        telling = [
            strength
            for name in self.off.get(point, [])
            if (strength := self._left(name, point, wrong)) <= WEAKEST_POWER
        ]
        return Fit(True, max(telling, default=inf))

    def floats(self, suspect: Suspect | None, point: Point) -> dict[str, Any]:
        """What the suspect, or the definition, gives in float64; a numerical one in its dtype."""
        record = self.record
        dtype = held_in(record.dtype) if suspect and suspect.numerical else "float64"
        state = {k: v.astype(dtype, copy=False) for k, v in record.parameters[point].items()}
        earlier = self._before(point) if suspect and suspect.remembers else []
        values = computed(
            record.network,
            record.optimizer,
            state,
            record.batch(point).astype(dtype),
            suspect.at(point) if suspect else unchanged,
            [{name: ball.value for name, ball in values.items()} for values in earlier],
        )
        if self.recovers:
            rate = record.optimizer.learning_rate
            values |= recovered(Float(), record.network, state, values, rate)
        return values

    def _before(self, point: Point) -> list[dict[str, Ball]]:
        """The definition in balls at the calls before, as far as it was compared there."""
        found = []
        for call in self.calls[: self.calls.index(point)]:
            bound = self.right(call)
            found.append({n: Ball(v, bound.radii[n]) for n, v in bound.values.items()})
        return found

    def _bound(self, suspect: Suspect, point: Point) -> Bound:
        """Values and radii of the definition with the suspect.

        Of a numerical fault no bound can be derived: what it does depends on the last bits. It has
        the radii of the definition, and the share √u of what it changes: it explains a deviation if
        it leaves no more of it than that.
        """
        if not suspect.numerical:
            if not suspect.remembers:
                found = self.bounds.changed(self.who, point, suspect.at(point))
                if found is not None:
                    return found
            before: Sequence[dict[str, Ball]] = self._before(point) if suspect.remembers else ()
            balls = balls_at(
                self.record, self._ops, point, suspect.at(point), before, recovers=self.recovers
            )
            return bound_of(self.record, point, balls)
        right, values = self.right(point), self.floats(suspect, point)
        wrong: dict[str, NDArray[np.floating]] = {
            name: np.asarray(values[name], np.float64) for name in right.values
        }
        with np.errstate(invalid="ignore"):
            radii = {
                name: right.radii[name]
                + np.sqrt(self.unit) / 2 * np.nan_to_num(np.abs(wrong[name] - right.values[name]))
                for name in wrong
            }
        return Bound(wrong, radii, right.open_samples)

    def _left(self, name: str, point: Point, wrong: Bound) -> float:
        """What share of the largest deviation of a tensor the bound leaves open; 0 of a count."""
        if name not in wrong.values:
            return 0.0
        radius = wrong.radii[name]
        with np.errstate(invalid="ignore"):
            deviation = np.abs(self.given[point][name] - self.right(point).values[name])
        finite = np.isfinite(deviation)
        largest = float(deviation[finite].max(initial=0.0))
        widest = 2 * float(radius[finite].max(initial=0.0))
        if not finite.all() and not largest:
            return 0.0  # a NaN, explained by one
        return widest / largest if largest else inf

    def _within(self, name: str, point: Point, bound: Bound, intervene: Intervention) -> bool:
        """Whether what was computed may be what the bound is of."""
        actual = self.given[point][name]
        if name in bound.values:
            value = bound.values[name]
            wild, expected_wild = ~np.isfinite(actual), ~np.isfinite(value)
            if wild.any():  # a NaN is explained by a NaN alone
                both = np.array_equal(wild, expected_wild)
                rest = np.abs(np.where(wild, 0, actual) - np.where(wild, 0, value))
                return both and bool((rest <= 2 * bound.radii[name])[~wild].all())
            return distance(name, actual, bound) == 0
        outputs = self._outputs(point, bound, intervene)
        return self._accurate(name, point, bound, outputs, intervene)

    def _outputs(self, point: Point, bound: Bound, intervene: Intervention) -> Values:
        """The outputs that a bound is of; in floating point, where they are not compared."""
        record = self.record
        last = f"activation/{record.network.last.name}"
        if last in bound.values:
            return np.asarray(bound.values[last])
        state = {k: v.astype("float64", copy=False) for k, v in record.parameters[point].items()}
        batch = record.batch(point).astype("float64")
        found = computed(record.network, record.optimizer, state, batch, intervene)
        return np.asarray(found[last])

    def _accurate(
        self, name: str, point: Point, bound: Bound, outputs: Values, intervene: Intervention
    ) -> bool:
        """Whether a count may be that of such outputs."""
        record, batch, actual = self.record, self.record.batch(point), self.given[point][name]
        found = measure(record.network, record.parameters[point], batch, outputs, intervene)
        if name != "accuracy":
            return bool(actual == found[name])
        gap = abs(float(actual) - float(found[name])) * len(batch.inputs)
        return bool(np.isfinite(gap)) and bool(round(gap) <= len(bound.open_samples))
