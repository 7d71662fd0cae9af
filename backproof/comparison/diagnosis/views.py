"""Views: what code had at hand at a point, if the mistakes found so far are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.evidence import Evidence, Suspect
from backproof.comparison.record.record import Point
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.network.network import Network

Values = NDArray[np.float64]


# So many roundings of the largest element are let through: what is right seldom has a tenth.
SIEVE = 4096


@dataclass(frozen=True, eq=False)
class View:
    """One point: every site in floating point, what was computed, and how far that may be off."""

    point: Point
    scope: Scope[Any]
    results: Mapping[str, Any]
    given: Mapping[str, NDArray[Any]]
    radii: Mapping[str, NDArray[np.floating]]
    unit: float
    errs: float = 0.0
    """What is declared to be off beyond rounding, as a share."""
    alone: bool = False
    """Whether there is no other point: its numbers are recorded."""
    cache: dict[str, Values] = field(default_factory=dict)
    """The atoms that were computed already."""

    @property
    def samples(self) -> int:
        assert self.scope.batch is not None
        return len(self.scope.batch.inputs)

    def shown(self, name: str) -> Values | None:
        """A tensor that was computed in the shape that is wanted, and is finite; else None."""
        actual = self.given.get(name)
        if actual is None or name not in self.radii or actual.shape != self.radii[name].shape:
            return None
        value = np.asarray(actual, np.float64)
        return value if np.isfinite(value).all() else None

    def allowed(self, name: str) -> Values:
        """By how much a number of that tensor may be off in a sieve: some units of the largest.

        Worst-case radii of wide networks would let anything through; what roundings really come to
        is far below that.
        """
        actual = self.given[name]
        size = float(np.abs(actual).max(initial=0.0))
        return np.full(np.shape(actual), (SIEVE * self.unit + self.errs) * size)


def view(evidence: Evidence, suspect: Suspect, point: Point) -> View:
    """A point as the definition with the suspect has it."""
    record = evidence.record
    scopes: list[Scope[Any]] = []
    intervene = suspect.at(point)

    def seen(name: str, value: Any, scope: Scope[Any]) -> Any:
        if not scopes:
            scopes.append(scope)
        return intervene(name, value, scope)

    state = {k: v.astype("float64", copy=False) for k, v in record.parameters[point].items()}
    batch = record.batch(point).astype("float64")
    results = computed(record.network, record.optimizer, state, batch, seen)
    right = evidence.right(point)
    errs = 16 * max(record.accuracy.values(), default=0.0)
    given, alone = evidence.given[point], record.recorded
    return View(point, scopes[0], results, given, right.radii, evidence.unit, errs, alone)


def known_at(network: Network, samples: int, rate: float) -> dict[str, float]:
    """The numbers that code has at hand."""
    return {"n": float(samples), "outputs": float(network.outputs), "rate": rate}


def weighs(seen: View) -> bool:
    """Whether the batch has sample weights."""
    return seen.scope.batch is not None and seen.scope.batch.weights is not None
