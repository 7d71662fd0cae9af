"""Units whose side of a kink is open: what the other side would make of the results.

Replicas stay on the definition's side of every kink. A unit that rounding may bring over is found
by how far it moves in them (`Local.reach`). What the other side does is no small disturbance, and
is carried as balls carry it, in the worst case: a ball arithmetic without any rounding, in which
operands of kinks, and nothing else, reach as far as they may move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.accumulating import balls_of
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps, radius_of
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.random.tape import COTANGENT, OPERAND, RESULT
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction

Values = NDArray[np.floating]

Rule = Callable[..., tuple[Ball, ...]]
"""What an operation makes of balls, in some arithmetic of balls."""


class OpenOps(BallOps):
    """Balls whose radius is what open units make of a value, on top of its rounding errors.

    ``reaches``: how far rounding errors move what is watched, in the order of computation. It goes
    into the magnitudes of activations and cotangents, which what is open is multiplied with.
    """

    def __init__(self, rounding: Rounding, reaches: Iterator[Mapping[str, Values]]) -> None:
        super().__init__(replace(Rounding.of(rounding.dtype), unit=0.0, tiny=0.0))
        self._rules = balls_of(rounding)
        self._same_branches = balls_of(rounding.on_same_branches())
        self._reaches = reaches

    def matmul(self, a: Ball, b: Ball, further_terms: int = 0) -> Ball:
        if a.radius is None and b.radius is None:
            return Ball(np.asarray(np.matmul(a.value, b.value)), None)
        return super().matmul(a, b)

    def affine(self, a: Ball, kernel: Ball, bias: Ball | None) -> Ball:
        z = self.matmul(a, kernel)
        return z if bias is None else self.add(z, bias)

    def total(self, a: Ball, axis: Axis = None, further_terms: int = 0) -> Ball:
        return bare(super().total(a, axis))

    def add(self, a: Ball, b: Ball) -> Ball:
        return bare(super().add(a, b))

    def subtract(self, a: Ball, b: Ball) -> Ball:
        return bare(super().subtract(a, b))

    def multiply(self, a: Ball, b: Ball) -> Ball:
        return bare(super().multiply(a, b))

    def scale(self, a: Ball, c: float, divisor: int = 1, roundings: int = 1) -> Ball:
        return bare(super().scale(a, c, divisor, roundings))

    def charged(self, a: Ball, times: int) -> Ball:
        return a

    def by_one(self, a: Ball, roundings: int) -> Ball:
        return a

    def cast(self, a: Ball, unit: float) -> Ball:
        return a

    def sign(self, a: Ball) -> Ball:
        return bare(super().sign(widened(a, next(self._reaches)[OPERAND])))

    def transpose(self, a: Ball, axes: tuple[int, ...] | None = None) -> Ball:
        turned = super().transpose(a, axes)
        turned._magnitude = a.magnitude.transpose(axes)
        return turned

    def reshaped(self, a: Ball, shape: tuple[int, ...]) -> Ball:
        found = super().reshaped(a, shape)
        found._magnitude = a.magnitude.reshape(shape)
        return found

    def enlarged(self, factor: float) -> OpenOps:
        return self

    def activate(self, f: Activation, z: Ball) -> Ball:
        """Replicas go on along the tangent; farther off it is f at an end of where z may be."""

        def rule(balls: BallOps, z: Ball) -> tuple[Ball, ...]:
            return (balls.activate(f, z),)

        found, reaches = self._moved(rule, z), next(self._reaches)
        if f.kinked:
            wide = widened(z, reaches[OPERAND])
            found = self._on_all_branches(rule, found, wide)
            found = [add(found[0], off_tangent(f, z.value, radius_of(wide)))]
        return larger(found[0], reaches[RESULT])

    def vjp(self, f: Activation, z: Ball, a: Ball, cotangent: Ball) -> Ball:
        """By a slope that rounding may move as far as it does a: it may be next to nothing else."""
        output = Ball(a.value, spread_of(a))

        def rule(balls: BallOps, z: Ball, more: Ball, g: Ball) -> tuple[Ball, ...]:
            return (balls.vjp(f, z, widened(output, radius_of(more)), g),)

        found = self._moved(rule, z, a, cotangent)
        if f.kinked:
            reaches = next(self._reaches)
            wide, size = widened(z, reaches[OPERAND]), larger(cotangent, reaches[COTANGENT])
            found = self._on_all_branches(rule, found, wide, a, size)
        return found[0]

    def loss_and_slope(self, loss: LossFunction, z: Ball, a: Ball, y: Ball) -> tuple[Ball, Ball]:
        def rule(balls: BallOps, z: Ball, a: Ball, y: Ball) -> tuple[Ball, ...]:
            return balls.loss_and_slope(loss, z, Ball(a.value, radius_of(a)), y)

        rows, slope = self._moved(rule, z, a, y)
        if loss.kinked:
            wide = widened(a, next(self._reaches)[OPERAND])
            rows, slope = self._on_all_branches(rule, [rows, slope], z, wide, y)
            # Where the other side is in reach, the loss may be there too.
            ends = wide.value - radius_of(wide), wide.value + radius_of(wide)
            off = [loss_off_tangent(loss, z.value, a.value, end, y.value) for end in ends]
            rows = add(rows, np.maximum(*off))
        return rows, slope

    def variance(self, x: Ball, by: Standard) -> Ball:
        return bare(super().variance(x, by))

    def standardise(self, x: Ball, by: Standard, terms: int = 0) -> Ball:
        return bare(super().standardise(x, by))

    def standardise_vjp(self, x: Ball, cotangent: Ball, by: Standard) -> Ball:
        return bare(super().standardise_vjp(x, cotangent, by))

    def _moved(self, rule: Rule, *given: Ball) -> list[Ball]:
        """What a rule makes of the radii given: what it has with them, less what it has without."""
        exact = [Ball(each.value, None) for each in given]
        own = rule(self._same_branches, *exact)
        found = [Ball(each.value, None) for each in own]
        if all(each.radius is None for each in given):
            return found
        moved = rule(self._same_branches, *given)
        return [
            add(ball, excess(one, other))
            for ball, one, other in zip(found, moved, own, strict=True)
        ]

    def _on_all_branches(self, rule: Rule, found: Sequence[Ball], *given: Ball) -> list[Ball]:
        """With what a rule has where either side is right, beyond what it has on the value's."""
        every, own = rule(self._rules, *given), rule(self._same_branches, *given)
        return [
            add(ball, excess(one, other))
            for ball, one, other in zip(found, every, own, strict=True)
        ]


def off_tangent(f: Activation, z: Values, reach: Values) -> Values:
    """How far f may lie off its tangent beyond a kink, as far as z reaches."""
    ends = f.farthest(z, reach)
    off = [np.abs(f.value(end) - f.extended(f.on_side(end, z), end)) for end in ends]
    return np.asarray(np.max(off, axis=0))


def loss_off_tangent(loss: LossFunction, z: Values, a: Values, end: Values, y: Values) -> Values:
    """How far a loss at an output's end lies off its tangent on the side of a."""
    near = loss.on_side(end, a, y)
    rows, slope = loss.value(z, near, y)
    return np.asarray(np.abs(loss.value(z, end, y)[0] - (rows + slope * (end - near))))


def excess(ball: Ball, other: Ball) -> Values:
    """By how much the first radius is larger."""
    return np.maximum(radius_of(ball) - radius_of(other), 0)


def add(ball: Ball, radius: Values) -> Ball:
    """The ball with so much more of a radius."""
    return bare(Ball(ball.value, radius_of(ball) + radius))


def bare(ball: Ball) -> Ball:
    """The ball without a radius that is 0 throughout."""
    if ball.radius is None or ball.radius.any():
        return ball
    return Ball(ball.value, None)


def widened(ball: Ball, by: Values) -> Ball:
    """The ball with a larger reach."""
    return Ball(ball.value, radius_of(ball) + by)


def spread_of(ball: Ball) -> Values:
    """By how much its magnitude was made larger."""
    return np.asarray(np.maximum(ball.magnitude - np.abs(ball.value) - 2 * radius_of(ball), 0))


def larger(ball: Ball, by: Values) -> Ball:
    """The ball with a magnitude that is larger by so much."""
    found = Ball(ball.value, ball.radius)
    found._magnitude = ball.magnitude + by
    return found
