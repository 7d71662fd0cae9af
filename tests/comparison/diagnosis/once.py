"""What records have in common computed once: those of many faults share most of their points.

The values are what they would be: all that they depend on is in the key, arrays by their bytes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from backproof.comparison.bounds import bounds
from backproof.comparison.bounds.vacuity import Watch
from backproof.comparison.diagnosis import evidence
from backproof.comparison.diagnosis.evidence import Evidence, Suspect
from backproof.comparison.record.record import DATA, Point, Record
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import Optimizer
from tests.comparison.diagnosis import grounds

Balls = dict[str, Ball]


class Places:
    """Networks and points by number: what is equal has the same one, and is looked at once."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._seen: dict[tuple[int, ...], tuple[int, object]] = {}

    def number(
        self, network: Network, optimizer: Optimizer, state: Parameters, batch: Batch
    ) -> int:
        given = (network, optimizer, state, batch)
        objects = tuple(map(id, given))
        if objects not in self._seen:
            arrays = (state | batch.arrays()).items()
            found = tuple((n, a.dtype.str, a.shape, a.tobytes()) for n, a in arrays)
            number = self._numbers.setdefault((network, optimizer, found), len(self._numbers))
            self._seen[objects] = number, given  # held, or another object might have its id
        return self._seen[objects][0]


@contextmanager
def once() -> Iterator[None]:
    """While this lasts, no evaluation of a suspect or of the definition is repeated at a point."""
    places = Places()
    known: dict[Hashable, dict[str, Any]] = {}
    derived: dict[Hashable, tuple[Balls, Balls]] = {}
    computed, floats, balls_at = grounds.computed, Evidence.floats, bounds.balls_at

    def right(
        network: Network, optimizer: Optimizer, state: Parameters, batch: Batch, *faulty: Any
    ) -> dict[str, Any]:
        if faulty:  # the calls before are others for every fault
            return computed(network, optimizer, state, batch, *faulty)
        key = places.number(network, optimizer, state, batch)
        if key not in known:
            known[key] = computed(network, optimizer, state, batch)
        return dict(known[key])

    def suspected(self: Evidence, suspect: Suspect | None, point: Point) -> dict[str, Any]:
        if self.recovers or (suspect and (suspect.remembers or asked(suspect.at(point)) is None)):
            return floats(self, suspect, point)
        key = (place(self.record, point), suspect, self.record.dtype)
        if key not in known:
            known[key] = floats(self, suspect, point)
        return dict(known[key])

    def place(record: Record, point: Point) -> int:
        state, batch = record.parameters[point], record.batch(point)
        return places.number(record.network, record.optimizer, state, batch)

    def balls(
        record: Record,
        ops: BallOps,
        point: Point,
        at: Intervention = unchanged,
        before: Sequence[Mapping[str, Ball]] = (),
        *,
        recovers: bool = False,
    ) -> Balls:
        who = asked(at)
        if before or who is None or (point.name == DATA and who != Watch):
            return balls_at(record, ops, point, at, before, recovers=recovers)
        key = (place(record, point), who, ops.rounding, recovers)
        if key not in derived:
            found = balls_at(record, ops, point, at, before, recovers=recovers)
            derived[key] = found, at.seen if isinstance(at, Watch) else {}
        found, seen = derived[key]
        if isinstance(at, Watch):
            at.seen |= seen
        return dict(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Evidence, "floats", suspected)
        patch.setattr(grounds, "computed", right)
        patch.setattr(evidence, "balls_at", balls)
        patch.setattr(bounds, "balls_at", balls)
        yield


def asked(at: Intervention) -> Hashable:
    """What an intervention stands for, the same for all that are alike; None of any other."""
    if at is unchanged:
        return unchanged
    if isinstance(at, Watch):
        return Watch
    of = getattr(at, "__self__", None)
    return of if isinstance(of, Suspect) else None
