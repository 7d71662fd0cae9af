"""The search: which suspects explain all that an implementation computed.

One small point screens the catalogue in floating point, loosely; what is left is held against the
bounds at every probe and at telling steps. If no single fault fits, pairs are tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.evidence import Evidence, Fit, Suspect
from backproof.comparison.diagnosis.relations import asked_for
from backproof.comparison.record.record import DATA, Point
from backproof.mathematics.faults import planted
from backproof.mathematics.probes.drawn import SAMPLES

# Multiplications that the search for pairs may take: a second or two.
MOST_WORK = 2_000_000_000
# What the calls of one evaluation cost beside its multiplications, in multiplications.
OVERHEAD = 400_000
# Suspects beyond this number are no diagnosis; the structure says more.
MOST_SUSPECTS = 40

Flags = NDArray[np.bool_]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Cause:
    """A suspect that fits, the radius with which it does, and the points that do not show it."""

    suspect: Suspect
    radius: float
    exceptions: tuple[Point, ...]


class Screen:
    """One point, where every suspect is evaluated in floating point and compared at once.

    A sieve, no verdict: a suspect's own bound is not known yet. It is taken to be `WIDER` times the
    definition's, in proportion to its values, and a share √u of what the suspect changes. One that
    is ``tight`` allows no more than a share √u of the largest element.
    """

    WIDER = 16.0

    def __init__(self, evidence: Evidence, point: Point, *, tight: bool = False) -> None:
        self.evidence = evidence
        self.tight = tight and not evidence.record.accuracy
        self.point = point
        self.names = evidence.names(point)
        given = {name: evidence.given[point][name] for name in self.names}
        self._starts = np.cumsum([0, *(value.size for value in given.values())])[:-1]
        self.actual = self._flat(given)
        self.right = self._flat(evidence.floats(None, point))
        radii = evidence.right(point).radii
        self._widest = np.array([radii[n].max() if n in radii else 0.0 for n in self.names])
        self._size = self._largest(self.right)
        # Of a gradient that is 0 there are rounding errors alone, which have no size of their own.
        unmoved = {f"gradient/{name}" for name in evidence.record.network.unmoved}
        self._unmoved = np.array([name in unmoved for name in self.names])
        self.off = self.affected(self.actual)

    def _flat(self, values: Mapping[str, NDArray[np.floating]]) -> Values:
        return np.concatenate([np.ravel(values[name]).astype(np.float64) for name in self.names])

    def _largest(self, values: Values) -> Values:
        """The largest element of each tensor; what is not finite counts as 0."""
        sizes = np.where(np.isfinite(values), np.abs(values), 0.0)
        return np.asarray(np.maximum.reduceat(sizes, self._starts))

    def _gap(self, one: Values, other: Values) -> Values:
        """The largest difference of each tensor: infinite if only one of two is finite."""
        with np.errstate(invalid="ignore"):
            gap = np.abs(one - other)
        wild = ~np.isfinite(gap)
        gap[wild] = np.where(np.isfinite(one[wild]) == np.isfinite(other[wild]), 0.0, np.inf)
        return np.asarray(np.maximum.reduceat(gap, self._starts))

    def _allowed(self, values: Values) -> Values:
        with np.errstate(divide="ignore", invalid="ignore"):
            grown = np.fmax(1.0, self._largest(values) / self._size)
            allowed = self.WIDER * self._widest * grown
            if self.tight:
                # Worst cases of wide networks allow anything; roundings come to far less than √u.
                tight = np.fmin(allowed, np.sqrt(self.evidence.unit) * self._largest(values))
                allowed = np.where(self._unmoved, allowed, tight)
            return np.nan_to_num(allowed)

    def evaluated(self, suspect: Suspect) -> Values:
        """What the suspect gives, every tensor after the other."""
        return self._flat(self.evidence.floats(suspect, self.point))

    def affected(self, values: Values) -> Flags:
        """The tensors that are not the definition's."""
        return np.asarray(self._gap(values, self.right) > self._allowed(values))

    def matching(self, values: Values) -> Flags:
        """The tensors that may be what was computed."""
        changed = self._gap(values, self.right)
        share = np.sqrt(self.evidence.unit) * np.where(np.isfinite(changed), changed, 0.0)
        return np.asarray(self._gap(values, self.actual) <= self._allowed(values) + share)


class Search:
    """The catalogue held against what was computed: single faults first, pairs only if asked."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        record = evidence.record
        self._points = by_size(evidence)
        plants = planted(record.network, record.optimizer, saturates=record.saturates)
        needed = {"loss", *(f"gradient/{name}" for name in record.network.shapes())}
        remembered = all(needed <= set(record.names(call)) for call in evidence.calls)
        self._singles = [
            Suspect((plant,))
            for plant in plants
            if not plant.moot
            and asked_for(plant, record)
            and (remembered or not plant.fault.remembers)
        ]
        self._fitting: list[Cause] | None = None
        self._screen = Screen(evidence, self._points[0], tight=True)
        self._found = [self._screen.evaluated(suspect) for suspect in self._singles]
        self._matching = np.array([self._screen.matching(values) for values in self._found])

    def singles(self) -> list[Cause]:
        """The single faults that fit; known once they were asked for."""
        if self._fitting is not None:
            return self._fitting
        pairs = zip(self._singles, self._matching, strict=True)
        left = [suspect for suspect, same in pairs if same.all()]
        self._fitting = ordered(confirmed(self.evidence, left, self._points))
        return self._fitting

    def pairs(self) -> list[Cause]:
        """The pairs of faults that fit."""
        screen = self._screen
        affected = np.array([screen.affected(values) for values in self._found])
        outputs = f"activation/{self.evidence.record.network.last.name}"
        if {"accuracy", outputs} <= set(screen.names):
            # Other outputs may mean another accuracy, if not here then with a second fault.
            one, other = screen.names.index("accuracy"), screen.names.index(outputs)
            affected[:, one] |= affected[:, other]
        chosen = pairs(screen, self._singles, self._matching, affected)
        return ordered(confirmed(self.evidence, chosen, self._points))


def ordered(causes: list[Cause]) -> list[Cause]:
    """By radius, then by the number of faults; those that no point contradicts, if there are."""
    whole = [cause for cause in causes if not cause.exceptions]
    return sorted(whole or causes, key=lambda cause: (cause.radius, len(cause.suspect.plants)))


def by_size(evidence: Evidence) -> list[Point]:
    """The points that are off, the one that tells most for least first.

    A batch of a few samples comes late among the probes: of one, a sum is a mean, and of few there
    is little to tell two faults apart by.
    """
    record = evidence.record

    def cost(point: Point) -> tuple[bool, bool, int, int]:
        samples = len(record.batch(point).inputs)
        return point.name == DATA, samples < SAMPLES, samples, evidence.calls.index(point)

    return sorted(evidence.off, key=cost)


def pairs(
    screen: Screen, singles: list[Suspect], matching: Flags, affected: Flags
) -> list[Suspect]:
    """The pairs that match at the screening point.

    What only one of two faults changes, that one alone must explain; what neither changes, must be
    right. The few pairs for which that holds are evaluated.
    """
    alone = affected & matching  # changed by this fault, and as it was computed
    one, other = affected[:, None, :], affected[None, :, :]
    plausible = (
        (one & other)
        | (one & ~other & alone[:, None, :])
        | (~one & other & alone[None, :, :])
        | (~one & ~other & ~screen.off)
    ).all(axis=2)
    both = (one & other).sum(axis=2)
    candidates = [
        (int(both[i, j]), int(i), int(j)) for i, j in np.argwhere(np.triu(plausible, k=1))
    ]
    record = screen.evidence.record
    weights = record.network.products
    work = 3 * weights * len(record.batch(screen.point).inputs) + OVERHEAD
    most = max(100, MOST_WORK // work)
    found = []
    for _, i, j in sorted(candidates)[:most]:
        first, second = singles[i].plants, singles[j].plants
        orders = [first + second]
        if set(first[0].changes) & set(second[0].changes):
            orders.append(second + first)
        for plants in orders:
            suspect = Suspect(plants)
            if screen.matching(screen.evaluated(suspect)).all():
                found.append(suspect)
                break
    return found


def confirmed(evidence: Evidence, suspects: Iterable[Suspect], off: list[Point]) -> list[Cause]:
    """The suspects that fit within their bounds at every point looked at, not only the first."""
    left = list(suspects)
    for point in off[1:4]:
        if len(left) <= 1:
            break
        screen = Screen(evidence, point, tight=True)
        left = [s for s in left if screen.matching(screen.evaluated(s)).all()]
    if len(left) > MOST_SUSPECTS:
        return []
    looked_at = telling(evidence)
    causes = []
    for suspect in left:
        cause = tried(evidence, suspect, looked_at)
        if cause is not None:
            causes.append(cause)
    return causes


def tried(evidence: Evidence, suspect: Suspect, points: list[Point]) -> Cause | None:
    """The suspect as a cause, if it explains every point that is off, and says something there."""
    radius: list[float] = []
    exceptions: list[Point] = []
    for point in points:
        fit: Fit = evidence.fit(suspect, point)
        if fit.whole:
            radius += [fit.radius] if point in evidence.off else []
        elif point in evidence.off:
            return None
        else:
            exceptions.append(point)
    # Only what sets in later, or ends with the data, may be right at some points alone.
    if any(p.name != DATA for p in exceptions) and any(p.name != DATA for p in evidence.off):
        return None
    known = [r for r in radius if np.isfinite(r)]
    return Cause(suspect, max(known), tuple(exceptions)) if known else None


def telling(evidence: Evidence) -> list[Point]:
    """All points beside the data, and of its steps the first, the last, and where it goes wrong."""
    steps = [point for point in evidence.points if point.name == DATA]
    wrong = [index for index, point in enumerate(steps) if point in evidence.off]
    chosen = {0, len(steps) - 1}
    if wrong:
        chosen |= {max(wrong[0] - 1, 0), wrong[0], wrong[len(wrong) // 2], wrong[-1]}
    others = [point for point in evidence.points if point.name != DATA]
    return others + [steps[index] for index in sorted(chosen) if 0 <= index < len(steps)]
