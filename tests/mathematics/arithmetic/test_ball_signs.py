"""Single numbers, and every combination of the signs of all roundings: no random case is so bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from flint import arb

from backproof.mathematics import losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from tests.mathematics.arithmetic.adversary import ONE, Adversary, Row
from tests.mathematics.arithmetic.ball_cases import share
from tests.mathematics.arithmetic.ball_checks import SHARP
from tests.mathematics.arithmetic.ball_forms import (
    EXACT,
    EXACT_LOSS,
    EXACT_PULL,
    EXACT_SLOPE,
    FORMS,
    FUNCTIONS,
    LOSSES,
    PULLS,
    SLOPES,
)
from tests.mathematics.arithmetic.ball_networks import precision

# Up to so many roundings in all combinations; of more, as many combinations by chance.
BITS = 8


class Directed(Adversary):
    """Rounds as the bits of a pattern say, which also choose how it divides."""

    def __init__(self, rounding: Rounding, pattern: int) -> None:
        super().__init__(rounding, Random(pattern))
        self.flushes = self.fuses = False
        self.order, self.pattern, self.taken = "forward", pattern, 0
        self.push = lambda exact, random: 1 if self.bit() else -1

    def bit(self) -> bool:
        self.taken += 1
        return bool(self.pattern >> (self.taken - 1) & 1)

    def divide(self, a: arb, b: arb) -> arb:
        if self.bit():
            return self.rounded(a / b)
        return self.multiply(a, self.rounded(ONE / b))


# What is compared, its ball, the exact result, and what a machine makes of it.
Case = tuple[str, Ball, Row, Callable[[Adversary], Row]]


def of_activation(ops: BallOps, name: str, z: list[float]) -> Iterator[Case]:
    """All forms of an activation and of its derivative, which looks at f(z) in one form."""
    ball, exact = ops.exact(np.array([z])), list(map(arb, z))
    a, g = ops.activate(FUNCTIONS[name], ball), [1.7, -0.6][: len(z)]
    pulled = ops.vjp(FUNCTIONS[name], ball, a, ops.exact(np.array([g])))
    first, cotangent = next(iter(FORMS[name].values())), list(map(arb, g))
    for form, compute in FORMS[name].items():
        yield form, a, EXACT[name](exact), lambda m, c=compute: c(m, exact)
    truth = EXACT_PULL[name](exact, cotangent)
    for form, pull in PULLS[name].items():
        yield form, pulled, truth, lambda m, p=pull: p(m, exact, first(m, exact), cotangent)


def of_loss(ops: BallOps, kind: str, z: list[float], y: list[float]) -> Iterator[Case]:
    """All forms of a loss and of its derivative."""
    module, name = losses.named(kind), losses.named(kind).ACTIVATION
    ball, exact, targets = ops.exact(np.array([z])), list(map(arb, z)), list(map(arb, y))
    a, kept = ops.activate(FUNCTIONS[name], ball), EXACT[name](exact)
    first = next(iter(FORMS[name].values()))
    balls = ops.loss_and_slope(module, ball, a, ops.exact(np.array([y])))
    for part, truths, forms in ((0, EXACT_LOSS, LOSSES), (1, EXACT_SLOPE, SLOPES)):
        truth = truths[kind](exact, kept, targets)
        for form, compute in forms[kind].items():
            yield (
                form,
                balls[part],
                truth,
                lambda m, c=compute: c(m, exact, first(m, exact), targets),
            )


def patterns(rounding: Rounding, compute: Callable[[Adversary], Row]) -> Iterator[int]:
    """Every pattern of signs of a short computation, or some of a long one."""
    sample = Directed(rounding, 0)
    compute(sample)
    chance = Random(0)
    for number in range(2 ** min(sample.taken, BITS)):
        yield number if sample.taken <= BITS else chance.getrandbits(64)


SINGLE = ([0.0], [0.1], [-3.0], [9.0])
PAIRS = ([0.0, 0.0], [1.0, -1.0], [0.0, 4.0])
MODELS = [("float64", ()), ("bfloat16", ()), ("bfloat16", SHARP)]
LOSS_OF = {"binary": "binary_cross_entropy", "categorical": "categorical_cross_entropy"}
CURVED = [name for name in FUNCTIONS if "relu" not in name and name != "linear"]


@pytest.mark.parametrize(("dtype", "charges"), MODELS, ids=["float64", "bfloat16", "sharp"])
@pytest.mark.parametrize("what", [*CURVED, *LOSS_OF])
def test_every_combination_of_signs_is_covered(what, dtype, charges):
    ops, cases = BallOps(Rounding.of(dtype, charges)), []
    for z in PAIRS if what in ("softmax", "categorical") else SINGLE:
        if what in LOSS_OF:
            for y in ([1.0, 0.0], [0.0, 1.0], [0.25, 0.75]):
                cases += of_loss(ops, LOSS_OF[what], z, y[: len(z)])
        else:
            cases += of_activation(ops, what, z)
    with precision(400):
        for form, ball, exact, compute in cases:
            for pattern in patterns(ops.rounding, compute):
                machine = Directed(ops.rounding, pattern)
                share(ball, exact, compute(machine), f"{what} {form!r} of {exact}")


@pytest.mark.parametrize("what", ["sigmoid", "tanh"])
def test_half_the_radius_does_not_cover_every_combination(what):
    ops, used = BallOps(Rounding.of("bfloat16", SHARP)), 0.0
    with precision(400):
        for z in SINGLE:
            for form, ball, exact, compute in of_activation(ops, what, z):
                for pattern in patterns(ops.rounding, compute):
                    computed = compute(Directed(ops.rounding, pattern))
                    used = max(used, share(ball, exact, computed, form))
    assert used > 0.5


@pytest.mark.parametrize(("roundings", "sign"), [(-1, 0), (0, 0), (1, 1)])
def test_a_coefficient_held_with_float32_coefficients_never_makes_a_radius_smaller(
    roundings: int, sign: int
):
    """A power of two takes one rounding less than a product: none, held in whatever dtype."""
    narrow = replace(Rounding.of("float64"), coefficients=2.0**-24)
    assert np.sign(narrow.held(roundings)) == sign
    ball = Ball(np.ones((1, 1)), np.full((1, 1), 1e-12))
    assert BallOps(narrow).scale(ball, 0.5, roundings=roundings).radius[0, 0] >= 0.5e-12
