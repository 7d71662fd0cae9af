"""Settled kinks: balls cover the definition along the side of the value, beyond the kink too.

The exact result is there that of a smooth function, which goes on where the other side would begin;
an implementation is on the value's own side, or on the kink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import arb

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, elu

ALPHA = 0.25
Smooth = Callable[[arb], arb]
# The activation; its value and slope above the kink, and below.
SIDES: dict[str, tuple[Activation, tuple[Smooth, Smooth], tuple[Smooth, Smooth]]] = {
    "relu": (
        functions.named("relu"),
        (lambda z: z, lambda z: arb(1)),
        (lambda z: arb(0), lambda z: arb(0)),
    ),
    "leaky_relu": (
        functions.named("leaky_relu", alpha=ALPHA),
        (lambda z: z, lambda z: arb(1)),
        (lambda z: ALPHA * z, lambda z: arb(ALPHA)),
    ),
    "elu": (
        functions.named("elu", alpha=ALPHA),
        (lambda z: z, lambda z: arb(1)),
        (lambda z: ALPHA * z.expm1(), lambda z: ALPHA * z.exp()),
    ),
    "elu steep": (
        functions.named("elu", alpha=30.0),
        (lambda z: z, lambda z: arb(1)),
        (lambda z: 30 * z.expm1(), lambda z: 30 * z.exp()),
    ),
}
OPS = BallOps(Rounding.of("float64").on_same_branches())


def drawn(random: Random) -> tuple[float, float]:
    """A value in doubt, and its radius, from rounding to far more."""
    radius = 2.0 ** random.randint(-40, 1)
    return random.uniform(-2, 2) * radius, radius


def check(name: str, ops: BallOps = OPS, cases: int = 400) -> None:
    f, above, below = SIDES[name]
    random = Random(0)
    for _ in range(cases):
        value, radius = drawn(random)
        z = Ball(np.array([[value]]), np.array([[radius]]))
        g = Ball(np.array([[3.0]]), np.array([[0.25]]))
        a = ops.activate(f, z)
        pulled = ops.vjp(f, z, a, g)
        curve, slope = above if value > 0 else below
        for corner in (-1, 0, 1):
            exact = arb(value) + corner * arb(radius)
            for other in (-1, 0, 1):
                computed = exact + other * arb(radius)
                if (computed > 0) != (value > 0):
                    computed = arb(0)
                    if abs(exact) > radius:
                        continue
                within(a, curve(exact), curve(computed), f"{name} at {value} ± {radius}")
                for toward in (-1, 1):
                    cotangent = 3 + toward * arb(0.25)
                    right = cotangent * slope(exact)
                    found = (cotangent + toward * arb(0.25)) * slope(computed)
                    within(pulled, right, found, f"{name} pulled at {value} ± {radius}")


def within(ball: Ball, exact: arb, computed: arb, what: str) -> None:
    value, radius = float(ball.value[0, 0]), float(ball.radius[0, 0])
    assert abs(exact - value) <= radius, f"{what}: exact, but the radius is {radius}"
    assert abs(computed - exact) <= radius, f"{what}: computed, but the radius is {radius}"


@pytest.mark.parametrize("name", SIDES)
def test_the_side_of_the_value_is_covered(name: str) -> None:
    check(name)


@pytest.mark.parametrize("name", SIDES)
def test_what_covers_no_move_of_z_is_caught(name: str) -> None:
    class Still(BallOps):
        def activate(self, f: Activation, z: Ball) -> Ball:
            return super().activate(f, Ball(z.value, np.zeros_like(z.value)))

    with pytest.raises(AssertionError, match="but the radius is"):
        check(name, Still(OPS.rounding))


def test_an_exponential_that_ends_at_the_kink_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it the side below goes on, and is steeper."""
    exponentials = elu.exponentials

    def ending(z: Ball, rounding: Rounding) -> tuple[Any, Any]:
        return exponentials(z, Rounding.of("float64"))

    monkeypatch.setattr(elu, "exponentials", ending)
    with pytest.raises(AssertionError, match="but the radius is"):
        check("elu steep")


@pytest.mark.parametrize("name", SIDES)
def test_the_bound_is_that_of_one_side(name: str) -> None:
    """Next to the kink, by far less than the slopes of both sides are apart."""
    f = SIDES[name][0]
    z = Ball(np.array([[1e-12, -1e-12]]), np.full((1, 2), 1e-12))
    cotangent = Ball(np.ones((1, 2)), None)
    pulled = OPS.vjp(f, z, OPS.activate(f, z), cotangent)
    assert pulled.radius is None or pulled.radius.max() < 1e-9
    anybody = BallOps(Rounding.of("float64"))
    assert anybody.vjp(f, z, anybody.activate(f, z), cotangent).radius.min() > 0.5


@pytest.mark.parametrize("name", SIDES)
def test_a_radius_that_is_not_a_number_settles_nothing(name: str) -> None:
    f = SIDES[name][0]
    for radius in (np.inf, np.nan):
        z = Ball(np.ones((1, 1)), np.full((1, 1), radius))
        pulled = OPS.vjp(f, z, OPS.activate(f, z), Ball(np.ones((1, 1)), None))
        assert not pulled.radius[0, 0] < 0.5


@pytest.mark.parametrize("y", [1.0, -1.0])
def test_the_margin_of_a_hinge_is_settled_too(y: float) -> None:
    hinge, y_ball = losses.named("hinge"), Ball(np.array([[y]]), None)
    for margin in (1e-12, -1e-12):
        a = Ball(np.array([[y * (1 - margin)]]), np.array([[1e-12]]))
        _, slope = hinge.ball(a, a, y_ball, OPS.rounding)
        assert slope.value[0, 0] == (-y if margin > 0 else 0)
        assert slope.radius[0, 0] == 0
        _, either = hinge.ball(a, a, y_ball, Rounding.of("float64"))
        assert either.radius[0, 0] >= 1
        _, lost = hinge.ball(a, Ball(a.value, np.array([[np.inf]])), y_ball, OPS.rounding)
        assert lost.radius[0, 0] >= 1


@pytest.mark.parametrize("name", ["leaky_relu", "elu"])
def test_at_an_exact_kink_it_has_the_slope_of_the_definition(name: str) -> None:
    """An implementation that is known to take the other one has bounds that cover both."""
    f = SIDES[name][0]
    z = Ball(np.zeros((1, 1)), None)
    model = replace(Rounding.of("float64"), kinks=(name,))
    for rounding, covered in ((model, True), (model.on_same_branches(), False)):
        ops = BallOps(rounding)
        pulled = ops.vjp(f, z, ops.activate(f, z), Ball(np.ones((1, 1)), None))
        assert abs(ALPHA - pulled.value[0, 0]) <= pulled.radius[0, 0]
        assert (abs(1 - pulled.value[0, 0]) <= pulled.radius[0, 0]) == covered
