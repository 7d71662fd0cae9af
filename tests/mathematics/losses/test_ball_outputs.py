"""Cross-entropies of the outputs: sound for every form, near what forms err, strong, and honest."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.balls.half import STEPS, HalfOps
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.balls.outputs import Output
from backproof.mathematics.arithmetic.rounding.model import Rounding
from tests.halves import slow_but
from tests.mathematics.arithmetic.ball_cases import DTYPES
from tests.mathematics.arithmetic.ball_checks import searched
from tests.mathematics.arithmetic.half_models import model
from tests.mathematics.arithmetic.test_ball_weakened import (
    Weakened,
    backproof_without,
    forgetting,
    halved,
    still,
)
from tests.mathematics.losses.ball_outputs import BINARY, CATEGORICAL, CHECKS, KINDS, of_outputs

__all__ = ["backproof_without"]

CASES = 3000
ROWS, SLOPES = (
    tuple(name for name in CHECKS if name.endswith(what)) for what in ("rows", "slopes")
)
NUMBERS = Rounding.of("float64")


@pytest.mark.parametrize(
    ("name", "dtype"),
    slow_but(
        [("categorical rows", "float64"), ("binary slopes", "float64")],
        product(CHECKS, DTYPES),
        0.5,
    ),
)
def test_every_form_is_covered(name, dtype):
    searched(CHECKS[name], 400, dtypes=[dtype])


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("name", CHECKS)
def test_roundings_alone_come_near_the_radius(name, dtype):
    found = searched(CHECKS[name], 300, dtypes=[dtype], inputs="exact", charges=((),), enough=0.6)
    assert found >= 0.6


@pytest.mark.parametrize("name", CHECKS)
def test_moved_outputs_come_near_the_radius(name):
    found = searched(
        CHECKS[name], 300, dtypes=["float64"], inputs="moved", charges=((),), enough=0.9
    )
    assert found >= 0.9


# --- each part of a bound weakened -------------------------------------------------------------


def assert_caught(name, arithmetic=BallOps, cases=CASES):
    with pytest.raises(AssertionError, match="but the radius is"):
        searched(CHECKS[name], cases, arithmetic=arithmetic)


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("what", [{"gammas": 0.0}, {"gammas": 0.5}, {"missed": 1}], ids=str)
def test_roundings_not_counted_are_caught(name, what):
    assert_caught(name, forgetting(**what), 4 * CASES)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_logarithms_charged_too_little_are_caught(name, share):
    assert_caught(name, forgetting(charged=share))


@pytest.mark.parametrize("name", CHECKS)
def test_underflow_forgotten_is_caught(name):
    assert_caught(name, lambda rounding: BallOps(replace(rounding, tiny=0.0)), 4 * CASES)


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("weaken", [still, halved])
def test_what_an_output_may_be_off_is_taken_into_account(name, weaken):
    assert_caught(name, partial(Weakened, rule="loss_and_slope", weaken=weaken, operand=1))


@pytest.mark.parametrize("name", CHECKS)
def test_half_the_radius_is_caught(name):
    assert_caught(name, partial(Weakened, rule="loss_and_slope", weaken=halved, operand=None))


def test_a_difference_that_is_taken_to_be_exact_is_caught(monkeypatch):
    """Of 1 − a: its logarithm feels the rounding absolutely."""
    original = Output.complement.__func__
    monkeypatch.setattr(
        Output,
        "complement",
        classmethod(lambda cls, a, rounding: replace(original(cls, a, rounding), rounded=0.0)),
    )
    assert_caught("binary rows")


@pytest.mark.parametrize("name", CHECKS)
def test_a_least_that_is_a_radius_too_high_is_caught(name, monkeypatch):
    """An implementation's output lies up to two radii off the value."""
    original = Output.of.__func__

    def higher(cls, a):
        found = original(cls, a)
        return replace(found, least=found.value - found.radius)

    monkeypatch.setattr(Output, "of", classmethod(higher))
    assert_caught(name)


def test_log1p_has_a_charge_of_its_own(monkeypatch):
    charges = (("log1p", 100.0),)
    searched(CHECKS["binary rows"], 400, charges=(charges,))
    original = Rounding.charge
    with pytest.raises(AssertionError, match="but the radius is"):
        searched(
            CHECKS["binary rows"],
            CASES,
            charges=(charges,),
            arithmetic=lambda rounding: BallOps(
                type("Half", (Rounding,), {"charge": lambda self, f: original(self, "log")})(
                    **vars(rounding)
                )
            ),
        )


@pytest.mark.parametrize("name", [*ROWS, "categorical slopes"])
def test_the_roundings_of_the_radius_itself_are_made_up_for(name, backproof_without):
    backproof_without("SLACK", 1.0)
    backproof_without("inflated", lambda operations: 1.0)
    assert_caught(name, cases=4 * CASES)


# --- how strong, and where nothing is known ----------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_ordinary_outputs_are_known_to_fourteen_digits(kind):
    stream = np.random.default_rng(3)
    a = Ball(stream.uniform(0.05, 0.95, (200, 3)), None)
    y = Ball(np.eye(3)[stream.integers(3, size=200)], None)
    for found in of_outputs(kind).ball(a, a, y, NUMBERS):
        assert found.radius is not None
        size = np.abs(found.value)
        assert (found.radius[size > 0] <= 1e-14 * size[size > 0]).all()


def test_the_bound_is_linear_in_the_radius():
    """At a = ¼ of a loss for y = 1: r/a, and of the derivative r/a²; both within a share of r."""
    a = Ball(np.full((1, 1), 0.25), np.full((1, 1), 1e-9))
    rows, slope = of_outputs(BINARY).ball(a, a, Ball(np.ones((1, 1)), None), NUMBERS)
    assert 4e-9 <= rows.radius[0, 0] <= 4e-9 * (1 + 1e-6)
    assert 16e-9 <= slope.radius[0, 0] <= 16e-9 * (1 + 1e-6)


@pytest.mark.parametrize(
    ("a", "radius", "known"),
    [
        (0.5, 0.0, True),
        (0.0, 0.0, False),
        (1.0, 0.0, False),
        (-0.1, 0.0, False),
        (1.1, 0.0, False),
        (1e-3, 0.4e-3, True),
        (1e-3, 0.6e-3, False),
        (1 - 1e-3, 0.4e-3, True),
        (1 - 1e-3, 0.6e-3, False),
        (1e-308, 0.0, False),
        (0.5, np.inf, False),
        (0.5, np.nan, False),
    ],
)
def test_where_an_output_may_be_0_or_1_nothing_is_known(a, radius, known):
    ball = Ball(np.array([[a, 0.5]]), np.array([[radius, 0.0]]))
    for found in of_outputs(BINARY).ball(ball, ball, Ball(np.array([[1.0, 0.0]]), None), NUMBERS):
        assert np.isfinite(found.radius).tolist() == [[known, True]]
        assert np.isfinite(found.value).all()


def test_a_row_with_an_output_that_may_be_0_has_no_bound_its_other_slopes_have():
    a = Ball(np.array([[0.0, 0.5], [0.3, 1.0]]), np.array([[0.0, 0.0], [0.0, 1e-9]]))
    rows, slope = of_outputs(CATEGORICAL).ball(a, a, Ball(np.eye(2), None), NUMBERS)
    assert np.isfinite(rows.radius).tolist() == [[False], [True]]
    assert np.isfinite(slope.radius).tolist() == [[False, True], [True, True]]


def test_terms_of_both_signs_are_in_the_magnitude_of_their_row():
    """Of outputs above 1 a term is negative: a batch's sum may round at the size of all terms."""
    a = Ball(np.array([[np.exp(-5.0), np.exp(5.0)], [0.9, 1.0]]), None)
    y = Ball(np.full((2, 2), 0.5), None)
    rows, _ = of_outputs(CATEGORICAL).ball(a, a, y, NUMBERS)
    terms = np.abs(0.5 * np.log(a.value)).sum(axis=1)
    assert (rows.magnitude[:, 0] >= terms).all()
    assert rows.radius[1, 0] < 1e-15 * SLACK


@pytest.mark.parametrize("kind", KINDS)
def test_in_half_precision_it_is_charged_in_the_dtype(kind):
    """What was measured of the loss of logits says nothing of this one."""
    steps = {f"{kind}__rows": STEPS, f"{kind}__slope": "float32"}
    a, y = np.array([[0.25, 0.75]]), np.array([[0.0, 1.0]])
    known, plain = (
        ops.loss_and_slope(of_outputs(kind), Ball(a, None), Ball(a, None), Ball(y, None))
        for ops in (HalfOps(model("bfloat16", **steps)), BallOps(Rounding.of("bfloat16")))
    )
    for one, other in zip(known, plain, strict=True):
        assert np.array_equal(one.radius, other.radius)
