"""The definition evaluated once, to find what each of its operations errs by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial, reduce

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import Ball, terms_of
from backproof.mathematics.arithmetic.balls.half import was_measured
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.random.local_errors import LocalErrors
from backproof.mathematics.arithmetic.random.tape import (
    COTANGENT,
    OPERAND,
    RESULT,
    Side,
    Tape,
)
from backproof.mathematics.functions import PULLED, Activation, side_of_zero
from backproof.mathematics.losses import ROWS, SLOPE, LossFunction

Values = NDArray[np.floating]


class Recording(Float):
    """The definition in float64, whose operations write their local errors on a tape."""

    def __init__(self, tape: Tape, errors: LocalErrors | None = None) -> None:
        self.tape = tape
        self.errors = errors or tape.errors

    def exact(self, x: Values) -> Values:
        value = self.tape.converted(x)
        self.tape.write(self.errors.datum(value))
        self.tape.last.value = value
        return value[...]  # the same data are another array in the replicas, if they are disturbed

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
        result = super().scatter(a, index, shape)
        lost = self.errors.underflow(result)
        size = self.errors.scattered(a, result, index)
        self.tape.write(lost if size is None else size + (0.0 if lost is None else lost))
        return result

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

    def continued(self) -> Recording:
        return self

    def sqrt(self, a: Values) -> Values:
        value = np.sqrt(np.maximum(a, 0))
        self.tape.write(self.errors.root(a), self.errors.shared("sqrt"))
        return value

    def charged(self, a: Values, times: int) -> Values:
        self.tape.write(self.errors.underflow(a, times=times))
        return a[...]  # in the replicas, it is not the same

    def by_one(self, a: Values, roundings: int) -> Values:
        return self.charged(a, roundings) if self.errors.by_one(roundings) else a

    def cast(self, a: Values, unit: float) -> Values:
        self.tape.write(unit * np.abs(a))
        return a[...]

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
        self._write_kink_of(f, z, a)
        self._watch(RESULT, a)
        return a

    def vjp(self, f: Activation, z: Values, a: Values, cotangent: Values) -> Values:
        shared = self.errors.shared(f.name + PULLED, measured=f.measured(Ball(z, None)))
        self.tape.write(None, shared)
        if self.errors.vjp(f, z, a, np.ones_like(a)) is not None:
            rule = partial(self.errors.vjp, f)
            self.tape.last.size_by = partial(by_rows, rule, z, a)
        self._write_kink_of(f, z, a)
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

    def _write_kink_of(self, f: Activation, z: Values, a: Values) -> None:
        if f.kinked:
            if f.PIECEWISE_LINEAR:
                slope = f.vjp(z, a, np.ones_like(a))
                self.tape.last.slope = slope if (slope * z == a).all() else None
            blurred = f.blurred or self._exact(f)
            self._write_kink(z, partial(f.on_side, of=z), blurred=blurred)
            self.tape.last.farthest = f.farthest

    def _write_kink(self, at: Values, side: Side, *, blurred: bool = False) -> None:
        """What the last operation's kink looks at."""
        self.tape.last.side, self.tape.last.blurred = side, blurred
        self._watch(OPERAND, at)

    def _watch(self, what: str, value: Values) -> None:
        """Where all that is right goes the same way, nobody asks for the other side of a kink."""
        if not self.errors.rounding.same_branches:
            self.tape.watch(what, value)

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
