"""Random balls of every size, and the points inside them that a rule has to cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log2
from random import Random
from typing import Literal

import numpy as np
from flint import arb
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from tests.mathematics.arithmetic.adversary import Row

Values = NDArray[np.float64]
Shape = tuple[int, ...]
Rows = list[Row]
Inputs = Literal["any", "exact", "moved"]

DTYPES = ("float64", "float32", "float16", "bfloat16")
KINDS = ("ordinary", "ordinary", "whole", "wide", "tiny", "root of tiny")
# How many radii the exact result lies off the value, and an implementation off the exact result.
CORNERS = ((0, 0), (1, 1), (-1, -1), (1, -1), (-1, 1), (0, 1), (0, -1), (1, 0), (-1, 0))


class Source:
    """Draws the balls that a check is made of, from one source of randomness.

    ``inputs``: balls of ``any`` kind; only ``exact`` numbers of ordinary size, so that a rule's own
    rounding is all there is; or ``moved`` ones, whose radii are far larger than rounding.
    """

    def __init__(
        self,
        ops: BallOps,
        random: Random,
        inputs: Inputs = "any",
    ) -> None:
        self.ops, self.random, self.inputs = ops, random, inputs
        # The model as it is, for the adversaries: that of ``ops`` may be a weakened one.
        self.rounding = Rounding.of(ops.rounding.dtype, ops.rounding.charges)

    def shape(self, most: int = 4) -> tuple[int, int]:
        return self.random.randint(1, most), self.random.randint(1, most)

    def ball(self, shape: Shape) -> Ball:
        return self._ball(self.values(shape))

    def logits(self, shape: Shape) -> Ball:
        """Pre-activations: ordinary, all equal, saturated up to ±800, or any numbers up to that."""
        random = self.random
        width = random.choice((4.0, 4.0, 0.0, 1000.0, None)) if self.inputs == "any" else 4.0
        if width is None:
            return self._ball(np.clip(self.values(shape), -800, 800))
        centre = random.choice((0.0, 0.0, random.uniform(-50, 50))) if self.inputs == "any" else 0.0
        drawn = [centre + random.uniform(-width, width) for _ in range(int(np.prod(shape)))]
        return self._ball(np.clip(np.reshape(drawn, shape), -800, 800))

    def values(self, shape: Shape) -> Values:
        """Numbers of one or two kinds, some of them equal, opposite or zero."""
        random, size = self.random, int(np.prod(shape))
        if self.inputs != "any":
            return np.reshape(
                [random.choice((1, -1)) * random.uniform(1, 2) for _ in range(size)], shape
            )
        kinds = [random.choice(KINDS) for _ in range(random.randint(1, 2))]
        pool = [self._number(random.choice(kinds)) for _ in range(random.randint(1, 6))]
        signs = random.choice(((1.0,), (1.0, 1.0, -1.0), (1.0, -1.0, 0.0)))
        drawn = [random.choice(signs) * random.choice(pool) for _ in range(size)]
        return np.reshape(drawn, shape)

    def targets(self, kind: str, shape: tuple[int, int]) -> Ball:
        """Targets that the loss takes: hard, soft, and soft ones that sum to 1 only nearly."""
        random, (rows, columns) = self.random, shape
        kind = kind.removeprefix("smoothed_").replace("focal", "binary_cross_entropy")
        if kind in ("squared_error", "inner_product", "absolute_error", "huber"):
            return self.ops.exact(self.values(shape))
        if kind == "hinge":
            drawn = [random.choice((1.0, -1.0)) for _ in range(rows * columns)]
            return self.ops.exact(np.reshape(drawn, shape))
        if kind == "binary_cross_entropy":
            pool = random.choice(
                ((0.0, 1.0), (0.0, 0.25, 1.0), (random.random(), self.rounding.tiny / 2))
            )
            return self.ops.exact(
                np.reshape([random.choice(pool) for _ in range(rows * columns)], shape)
            )
        if random.random() < 0.5:
            return self.ops.exact(np.eye(columns)[[random.randrange(columns) for _ in range(rows)]])
        weights = np.reshape([random.randint(0, 3) + 0.25 for _ in range(rows * columns)], shape)
        off = random.choice((0, 1, -1)) * columns * self.rounding.unit
        return self.ops.exact(weights / weights.sum(axis=1, keepdims=True) * (1 + off))

    def _number(self, kind: str) -> float:
        random, tiny = self.random, self.rounding.tiny
        sign = random.choice((1.0, -1.0))
        if kind == "whole":
            return sign * random.randrange(4)
        if kind == "tiny":
            return sign * tiny * random.choice((0.25, 0.75, 1.0, 1.25, 1.5, 3.0, 40.0))
        if kind == "root of tiny":  # products underflow, factors do not
            return sign * tiny**0.5 * random.uniform(0.1, 4)
        if (
            kind == "wide"
        ):  # no wider: the float64 radius of something tiny, times that, would be lost
            most = 7 if self.rounding.dtype == "float16" else 40
            return sign * 2.0 ** random.uniform(log2(tiny) / 2, most)
        return sign * random.uniform(0, 4)

    def _ball(self, value: Values) -> Ball:
        random, size = self.random, np.abs(value)
        if self.inputs == "moved":
            return Ball(value, size * 2.0**-6 * self.rounding.unit**0.25)
        if self.inputs == "exact" or random.random() < 0.25:
            return self.ops.exact(value)
        kind = random.choice(
            ("roundings", "relative", "kink", "absolute", "here and there", "tiny")
        )
        if kind == "roundings":
            radius = size * self.rounding.unit * random.randint(1, 50)
        elif kind == "kink":
            radius = size * random.uniform(0.3, 1.2)
        elif kind == "relative":
            radius = size * 2.0 ** random.uniform(-20, 2)
        elif kind == "tiny":
            radius = np.full(value.shape, self.rounding.tiny * random.choice((0.5, 1.0, 7.0)))
        else:
            here = [kind == "absolute" or random.random() < 0.5 for _ in range(value.size)]
            radius = 2.0 ** random.uniform(-40, 3) * np.reshape(here, value.shape)
        # No rule gives a subnormal number without a radius: it may have been flushed.
        return Ball(value, np.where(size < self.rounding.tiny, np.maximum(radius, size), radius))


@dataclass(frozen=True)
class Inside:
    """What a ball stands for: an exact result, and an implementation's, each within its radius."""

    exact: Rows
    computed: Rows


def trials(random: Random, *balls: Ball) -> Iterator[tuple[Random, list[Inside]]]:
    """Points inside all balls: at a few corners, then each element at its own; each with a seed."""
    own = Random(random.getrandbits(32))
    for corner in (*own.sample(CORNERS, 4), None, None):
        yield own, [_inside(ball, own, corner) for ball in balls]


def _inside(ball: Ball, random: Random, corner: tuple[int, int] | None) -> Inside:
    value = np.atleast_2d(ball.value)
    radius = np.zeros_like(value) if ball.radius is None else np.atleast_2d(ball.radius)
    inside = Inside([], [])
    for row, reach in zip(value.tolist(), radius.tolist(), strict=True):
        corners = [corner or random.choice(CORNERS) for _ in row]
        places = list(zip(row, map(arb, reach), corners, strict=True))
        inside.exact.append([arb(v) + r * s for v, r, (s, _) in places])
        inside.computed.append([arb(v) + r * (s + t) for v, r, (s, t) in places])
    return inside


def share(result: Ball, exact: Sequence[arb], computed: Sequence[arb], what: str) -> float:
    """The largest share of the radius that is used; an AssertionError if it is more than all of it.

    Errors are compared in Arb with no tolerance: outside means provably outside, and at the
    precision of these tests what cannot be decided is within 2⁻²⁰⁰ of the radius. A radius that is
    infinite or NaN says nothing, and is not compared.
    """
    values = np.ravel(result.value).tolist()
    radii = [0.0] * len(values) if result.radius is None else np.ravel(result.radius).tolist()
    worst = 0.0
    for index, (value, r, truth, found) in enumerate(
        zip(values, radii, exact, computed, strict=True)
    ):
        if not isfinite(r):
            continue
        for side, x in (("value", arb(value)), ("implementation", found)):
            error = abs(x - truth)
            used = float(error / arb(r)) if r else inf * bool(error > 0)
            assert not error > arb(r), (
                f"{what}: the {side} of element {index} is {float(error):.17g} off the exact "
                f"{float(truth):.17g}, but the radius is {r:.17g}, of which that is {used:.6g}"
            )
            worst = max(worst, used)
    return worst


def flat(rows: Rows) -> Row:
    return [x for row in rows for x in row]
