"""The tape: what every operation of an evaluation errs by, found once, and used by all replicas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.random.local_errors import LocalErrors
from backproof.mathematics.arithmetic.random.squares import Squares

Values = NDArray[np.floating]


# The unit roundoff of float64, about: what is below has nothing finer.
SMALLEST_UNIT = 2.0**-40

Side = Callable[[Values], Values]
"""An operand, moved onto the definition's own side of a kink: see `Activation.on_side`."""


def both_ways(value: Values, reach: Values) -> tuple[Values, ...]:
    """Where a value may lie farthest."""
    return value + reach, value - reach


OPERAND, COTANGENT, RESULT = "operand", "cotangent", "result"


@dataclass(frozen=True, eq=False)
class Watched:
    """A value without errors, and the squares of how far it moves in the replicas."""

    value: Values
    squares: Squares


@dataclass(eq=False)
class Local:
    """The local error of one operation.

    ``size``: its standard deviation, in the shape of the result; None for nothing absolute.
    ``size_by``: the same by an operand of a replica, as a function of rows of all replicas.
    ``systematic``: how much of it is drawn for all elements at once besides. ``value``: its operand
    without errors, where replicas need it. ``side``: of a kink, where the operand goes.
    ``farthest``: where the operand may lie to be across it: see `Activation.farthest`.
    ``slope``: of a function that is straight on the definition's side, and so that times its
    operand. ``watched``: of what the replicas' movement is wanted. ``blurred``: whether a kink may
    be felt by what lies on one side of it.
    """

    size: Values | None = None
    systematic: float = 0.0
    size_by: Callable[[Values], Values | None] | None = None
    value: Values | None = None
    side: Side | None = None
    farthest: Callable[[Values, Values], tuple[Values, ...]] = both_ways
    slope: Values | None = None
    watched: dict[str, Watched] = field(default_factory=dict)
    blurred: bool = False

    def reaches(self, deviations: float, replicas: int, least: float) -> dict[str, Values]:
        """How far each moves in so many deviations, by so many replicas; and ``least`` besides."""
        return {
            what: least + watched.squares.root_mean(replicas, deviations)
            for what, watched in self.watched.items()
        }

    def is_open(self, reaches: Mapping[str, Values]) -> bool:
        """Whether the operand reaches over the kink."""
        if self.side is None:
            return False
        value, reach = self.watched[OPERAND].value, reaches[OPERAND]
        ends = self.farthest(value, reach)
        return self.blurred or any((self.side(end) != end).any() for end in ends)


@dataclass(eq=False)
class Tape:
    """The local errors of all operations, in the order of computation."""

    errors: LocalErrors
    entries: list[Local] = field(default_factory=list)
    lost: float = 0.0
    """What underflow may take in all sums together."""
    underflows: bool = False
    """Whether the float64 of the replicas may underflow too, and cannot tell what is exact."""

    _known: dict[int, tuple[Values, Values]] = field(default_factory=dict)
    _watched: dict[int, Watched] = field(default_factory=dict)

    def watch(self, what: str, value: Values) -> None:
        """Have it added up how far that moves, once for all operations that look at it."""
        known = self._watched.setdefault(id(value), Watched(value, Squares(value.shape)))
        self.last.watched[what] = known

    def converted(self, x: Values) -> Values:
        """Data in float64, once, however often they are asked for."""
        if id(x) not in self._known:  # and x is kept, so that no other array has its id
            self._known[id(x)] = (x, np.asarray(x, np.float64))
        return self._known[id(x)][1]

    @property
    def hidden(self) -> float:
        """What underflow may take of what looks exact in all replicas."""
        return self.lost if self.underflows else 0.0

    @property
    def last(self) -> Local:
        """That of the last operation."""
        return self.entries[-1]

    @property
    def watched(self) -> list[Local]:
        """Those of operations of which the replicas' movement is wanted."""
        return [entry for entry in self.entries if entry.watched]

    def write(self, size: Values | None = None, systematic: float = 0.0) -> None:
        """The next operation's."""
        if size is not None and not size.any():
            size = None
        self.entries.append(Local(size, systematic))
        self._look_for_underflow(size, self.errors.rounding.tiny)

    def write_sum(self, size: Values, lost: float) -> None:
        """A sum's, and what underflow may take of it."""
        self.write(size)
        self.lost += lost
        self._look_for_underflow(size, lost)

    def _look_for_underflow(self, size: Values | None, lost: float) -> None:
        """An error of that size is one of underflow: nothing else is as small."""
        if size is None or self.underflows or self.errors.rounding.unit > SMALLEST_UNIT:
            return
        self.underflows = bool(((size > 0) & (size <= 4 * lost)).any())
