"""The tape: what every operation of an evaluation errs by, found once, and used by all replicas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial, reduce

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import Ball, terms_of
from backproof.mathematics.arithmetic.balls.half import was_measured
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.random.local_errors import LocalErrors
from backproof.mathematics.arithmetic.random.squares import Squares
from backproof.mathematics.functions import PULLED, Activation, side_of_zero
from backproof.mathematics.losses import ROWS, SLOPE, LossFunction

Values = NDArray[np.floating]


# The unit roundoff of float64, about: what is below has nothing finer.
SMALLEST_UNIT = 2.0**-40

Side = Callable[[Values], Values]
"""An operand, moved onto the definition's own side of a kink: see `Activation.on_side`."""


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
    ``watched``: of what the replicas' movement is wanted. ``blurred``: whether a kink may be felt
    by what lies on one side of it.
    """

    size: Values | None = None
    systematic: float = 0.0
    size_by: Callable[[Values], Values | None] | None = None
    value: Values | None = None
    side: Side | None = None
    watched: dict[str, Watched] = field(default_factory=dict)
    blurred: bool = False

    def watch(self, what: str, value: Values) -> None:
        """Have it added up how far that moves."""
        self.watched[what] = Watched(value, Squares(value.shape))

    def reaches(self, deviations: float, replicas: int, least: float) -> dict[str, Values]:
        """How far each moves in so many deviations, by so many replicas; and ``least`` besides."""
        return {
            what: least + deviations * watched.squares.root_mean(replicas)
            for what, watched in self.watched.items()
        }

    def is_open(self, reaches: Mapping[str, Values]) -> bool:
        """Whether the operand reaches over the kink."""
        if self.side is None:
            return False
        value, reach = self.watched[OPERAND].value, reaches[OPERAND]
        ends = value + reach, value - reach
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


class Recording(Float):
    """The definition in float64, whose operations write their local errors on a tape."""

    def __init__(self, tape: Tape, errors: LocalErrors | None = None) -> None:
        self.tape = tape
        self.errors = errors or tape.errors

    def exact(self, x: Values) -> Values:
        value = self.tape.converted(x)
        self.tape.write(self.errors.datum(value))
        self.tape.last.value = value
        return value

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        result: Values = np.matmul(a, b)
        size = self.errors.contraction(a, b, result, further_terms, None)
        self.tape.write_sum(size, self.errors.lost(a.shape[-1]))
        return result

    def affine(self, a: Values, kernel: Values, bias: Values | None) -> Values:
        z: Values = np.matmul(a, kernel)
        if bias is not None:
            z = z + bias
        size = self.errors.contraction(a, kernel, z, 0, bias)
        self.tape.write_sum(size, self.errors.lost(a.shape[-1]))
        return z

    def scatter(self, a: Values, index: NDArray[np.intp], shape: tuple[int, ...]) -> Values:
        return self._elementary(super().scatter(a, index, shape))

    def add(self, a: Values, b: Values) -> Values:
        return self._elementary(a + b)

    def subtract(self, a: Values, b: Values) -> Values:
        return self._elementary(a - b)

    def multiply(self, a: Values, b: Values) -> Values:
        result = a * b
        self.tape.write(self.errors.underflow(result, (a != 0) & (b != 0)))
        return result

    def scale(self, a: Values, c: float, divisor: int = 1, roundings: int = 1) -> Values:
        """What underflow takes from a/divisor is multiplied by c; the coefficient may underflow."""
        if c == divisor == 1:
            return a
        result = a * (c / divisor)
        size = self.errors.underflow(result, a != 0, max(1.0, abs(c)))
        tiny = self.errors.rounding.tiny
        if 0 < min(abs(c), abs(c) / divisor, 1 / divisor) < 2 * tiny:
            size = tiny * np.abs(a) + (0.0 if size is None else size)
        self.tape.write(size)
        return result

    def constant(self, c: float | Fraction, like: Values, roundings: int) -> Values:
        return self._elementary(super().constant(c, like, roundings))

    def divide(self, a: Values, b: Values) -> Values:
        """Of a reciprocal underflow may take η, which a multiplies; of a division by 0 all."""
        value: Values = np.where(b == 0, 0.0, a / b)
        size = self.errors.underflow(value, a != 0)
        tiny = self.errors.rounding.tiny
        lost = (np.abs(b) * tiny > 0.5) * (tiny * np.abs(a))
        lost = np.where(b == 0, np.inf, lost)
        if lost.any():
            size = np.broadcast_to(lost, value.shape) + (0.0 if size is None else size)
        self.tape.write(size)
        return value

    def sqrt(self, a: Values) -> Values:
        value = np.sqrt(np.maximum(a, 0))
        self.tape.write(self.errors.root(a), self.errors.shared("sqrt"))
        return value

    def charged(self, a: Values, times: int) -> Values:
        self.tape.write(self.errors.underflow(a, times=times))
        return a

    def as_summand(self, a: Values, times: int) -> Values:
        return self.charged(a, times)

    def total(self, a: Values, axis: Axis = None, further_terms: int = 0) -> Values:
        result = super().total(a, axis)
        size = self.errors.total(a, result, axis, further_terms)
        self.tape.write_sum(size, self.errors.lost(terms_of(a.shape, axis)))
        return result

    def sum_of_charged(self, parts: Sequence[Values]) -> Values:
        if len(parts) == 1:
            return parts[0]
        value: Values = reduce(np.add, parts)
        size, lost = self.errors.joined(parts), self.errors.underflow(value, times=len(parts))
        self.tape.write(size if lost is None else lost + (0.0 if size is None else size))
        return value

    def magnitude(self, a: Values) -> Values:
        """No kink, for ||â| − |a|| ≤ |â − a|."""
        self.tape.write()
        self.tape.last.value = a
        return np.abs(a)

    def sign(self, a: Values) -> Values:
        self.tape.write()
        self.tape.last.value = a
        self._write_kink(a, partial(side_of_zero, of=a))
        return np.sign(a)

    def enlarged(self, factor: float) -> Recording:
        return Recording(self.tape, self.errors.enlarged(factor))

    def activate(self, f: Activation, z: Values) -> Values:
        a = f.value(z)
        shared = self.errors.shared(f.name, measured=f.measured(Ball(z, None)))
        self.tape.write(self.errors.activation(f, z), shared)
        if f.kinked and not f.PIECEWISE_LINEAR and (z == 0).any():
            # exp(z) − 1 is exact at 0, and nowhere near it.
            self.tape.last.size_by = partial(by_rows, partial(self.errors.activation, f))
        self._write_kink_of(f, z)
        self._watch(RESULT, a)
        return a

    def vjp(self, f: Activation, z: Values, a: Values, cotangent: Values) -> Values:
        shared = self.errors.shared(f.name + PULLED, measured=f.measured(Ball(z, None)))
        self.tape.write(None, shared)
        if self.errors.vjp(f, z, a, np.ones_like(a)) is not None:
            rule = partial(self.errors.vjp, f)
            self.tape.last.size_by = partial(by_rows, rule, z, a)
        self._write_kink_of(f, z)
        if f.kinked:
            self._watch(COTANGENT, cotangent)
        return f.vjp(z, a, cotangent)

    def loss_and_slope(
        self, loss: LossFunction, z: Values, a: Values, y: Values
    ) -> tuple[Values, Values]:
        rows, slope = self.errors.loss(loss, z, a, y)
        measured = was_measured(loss, Ball(z, None), Ball(y, None), self.errors.rounding)
        self.tape.write(rows, self.errors.shared(loss.name + ROWS, measured=measured))
        if loss.kinked:
            side = partial(loss.on_side, of=a, y=y)
            self._write_kink(a, side, blurred=self._exact(loss))
        self.tape.write(slope, self.errors.shared(loss.name + SLOPE, measured=measured))
        return loss.value(z, a, y)

    def _write_kink_of(self, f: Activation, z: Values) -> None:
        if f.kinked:
            blurred = not f.PIECEWISE_LINEAR or self._exact(f)
            self._write_kink(z, partial(f.on_side, of=z), blurred=blurred)

    def _write_kink(self, at: Values, side: Side, *, blurred: bool = False) -> None:
        """What the last operation's kink looks at."""
        self.tape.last.side, self.tape.last.blurred = side, blurred
        self._watch(OPERAND, at)

    def _watch(self, what: str, value: Values) -> None:
        """Where all that is right goes the same way, nobody asks for the other side of a kink."""
        if not self.errors.rounding.same_branches:
            self.tape.last.watch(what, value)

    def _exact(self, part: Activation | LossFunction) -> bool:
        """Whether the implementation takes another slope at an exact kink."""
        return part.name in self.errors.rounding.kinks

    def _elementary(self, result: Values) -> Values:
        self.tape.write(self.errors.underflow(result))
        return result


def by_rows(rule: Callable[..., Values | None], *given: Values) -> Values | None:
    """A rule for arrays (rows, units), of those of all replicas: the last is (replicas, …)."""
    shape = given[-1].shape
    flat = [np.broadcast_to(each, shape).reshape(-1, shape[-1]) for each in given]
    size = rule(*flat)
    return None if size is None else size.reshape(shape)
