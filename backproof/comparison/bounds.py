"""The bounds at every point of a record: the definition evaluated in balls, once for each model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from backproof.arithmetic.ball import Ball, BallOps, widened
from backproof.definition import evaluate, recovered, step, undecided
from backproof.forms import LOGITS
from backproof.record import SUBJECT, Point, Record
from backproof.rounding import NARROW, Rounding, inflated

Values = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Bound:
    """Values of the definition and radii by name at one point, and the samples left open."""

    values: dict[str, Values]
    radii: dict[str, Values]
    open_samples: NDArray[np.intp]
    lost: str
    """The first tensor, in the order of computation, with an infinite radius; or nothing."""


class Bounds:
    """The bounds of one record, computed when they are first asked for, and kept."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._known: dict[tuple[Rounding, bool, Point], Bound] = {}

    @cached_property
    def _arithmetics(self) -> dict[Rounding, BallOps]:
        return {}

    def rounding(self, implementation: str) -> Rounding:
        """The rounding model that the implementation declares in this dtype, with its form.

        Kinks that the network does not have are left out, so that models are the same without.
        """
        model = Rounding.declared(implementation, self.record.dtype)
        kinks = tuple(name for name in model.kinks if name in self.record.network.functions)
        model = replace(model, form=self.record.forms.get(implementation, LOGITS), kinks=kinks)
        if implementation != SUBJECT or not self.record.accuracy:
            return model
        return replace(model, absolute=tuple(sorted(self.record.accuracy.items())))

    def narrowly(self, implementation: str, point: Point) -> Bound | None:
        """The same for an implementation with the fault that it is known for: see `NARROW`."""
        unit = NARROW.get(implementation, 0.0)
        if unit <= Rounding.of(self.record.dtype).unit:
            return None
        return self._at(replace(self.rounding(implementation), coefficients=unit), point)

    def at(self, implementation: str, point: Point) -> Bound:
        """How far that implementation may lie from the exact result at that point."""
        rounding = self.rounding(implementation)
        return self._at(
            rounding, point, recovers=self.record.recovered and implementation == SUBJECT
        )

    def _at(self, rounding: Rounding, point: Point, *, recovers: bool = False) -> Bound:
        key = (rounding, recovers, point)
        if key not in self._known:
            self._known[key] = self._compute(rounding, point, recovers=recovers)
        return self._known[key]

    def _compute(self, rounding: Rounding, point: Point, *, recovers: bool) -> Bound:
        record = self.record
        ops = self._arithmetics.setdefault(rounding, BallOps(rounding))
        parameters, batch = record.parameters[point], record.batch(point)
        with np.errstate(all="ignore"):  # an overflow becomes an infinite radius, and is reported
            balls: dict[str, Ball] = evaluate(ops, record.network, parameters, batch)
            balls |= step(ops, record.network, parameters, balls, record.optimizer)
            if recovers:
                rate = record.optimizer.learning_rate
                balls |= recovered(ops, record.network, parameters, balls, rate)
            last = balls[f"activation/dense_{len(record.network.layers)}"]
            radius = np.zeros_like(last.value) if last.radius is None else last.radius
            unsure = (
                undecided(record.network, last.value, radius)
                if record.network.decision
                else np.zeros(len(last.value), bool)
            )
        for name, error in rounding.absolute:  # of a quantity; that of a function is in its rule
            if name in balls:
                balls[name] = widened(balls[name], error * inflated(2))
        lost = next((name for name, ball in balls.items() if not bounded(ball)), "")
        names = [name for name in record.names(point) if name in balls]
        return Bound(
            values={name: balls[name].value for name in names},
            radii={name: radius_of(balls[name]) for name in names},
            open_samples=np.flatnonzero(unsure),
            lost=lost,
        )

    def prepare(self, *implementations: str) -> None:
        """Compute all bounds now: while the workers are busy, say."""
        for implementation in implementations:
            for point in self.record.parameters:
                self.at(implementation, point)


def radius_of(ball: Ball) -> Values:
    """The radius as an array; infinite where the value itself overflowed."""
    radius = np.zeros_like(ball.value) if ball.radius is None else ball.radius
    if isfinite(float(ball.value.sum())) and isfinite(float(radius.sum())):
        return radius
    return np.where(np.isfinite(ball.value) & np.isfinite(radius), radius, np.inf)


def bounded(ball: Ball) -> bool:
    """Whether value and radius are finite throughout."""
    return bool(np.isfinite(ball.value).all()) and (
        ball.radius is None or bool(np.isfinite(ball.radius).all())
    )
