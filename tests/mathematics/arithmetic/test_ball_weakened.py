"""Weakened rules are caught: whatever a rule takes into account, the checks fail without it.

It is taken away at the rule's edge, so that nothing need be known of its code: the rounding model
that the rule is told (γ, a charge, η), an operand's radius or magnitude, the growth of a slope, the
slack for its own float64 roundings, half of its result.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition import evaluate, penalties
from backproof.mathematics.definition.penalties import PENALTY
from backproof.mathematics.definition.sums import Sums, sums_of
from backproof.mathematics.functions import elu
from backproof.mathematics.network.network import Network
from tests.mathematics.arithmetic import ball_orders
from tests.mathematics.arithmetic.ball_checks import CHECKS, searched
from tests.mathematics.arithmetic.ball_orders import ORDERS, Apart

# Cases, of all dtypes in turn, within which a weakened rule must be caught.
CASES = 3000
PAIRS = ("plus", "minus", "plus row", "minus row")
SUMS = ("total", "column total", "row total")
CURVED = ("sigmoid", "softmax", "tanh")
PULLED = tuple(f"{name} pulled" for name in CURVED)
LEAKY = ("leaky_relu", "leaky_relu steep", "leaky_relu flipped")
ELU = ("elu", "elu bent", "elu steep", "selu")
SMOOTH = ("softplus", "gelu", "gelu tanh")
LEAKY_PULLED, ELU_PULLED, SMOOTH_PULLED = (
    tuple(f"{name} pulled" for name in names) for names in (LEAKY, ELU, SMOOTH)
)
HINGE = ("hinge rows", "hinge slopes")
BINARY, CATEGORICAL, SQUARED = (
    (f"{kind} rows", f"{kind} slopes")
    for kind in ("binary_cross_entropy", "categorical_cross_entropy", "squared_error")
)
INNER = "inner_product rows"


def assert_caught(
    name: str, arithmetic: Callable[[Rounding], BallOps] = BallOps, cases: int = CASES
) -> None:
    with pytest.raises(AssertionError, match="but the radius is"):
        searched(CHECKS[name], cases, arithmetic=arithmetic)


# --- the rounding model ------------------------------------------------------------------------


class Forgetful(Rounding):
    """A model with a share of γ and of the charges, and a number of roundings not counted."""

    gammas, charged, missed = 1.0, 1.0, 0

    def gamma(self, n: int) -> float:
        return self.gammas * super().gamma(n - self.missed)

    def charge(self, function: str, composed: float = 0.0) -> float:
        return max(self.charged * super().charge(function), composed)


def forgetting(**what: float) -> Callable[[Rounding], BallOps]:
    model = type("Forgetful", (Forgetful,), what)
    return lambda rounding: BallOps(model(**vars(rounding)))


@pytest.mark.parametrize(
    "name", ["matmul", "affine", "joined", "scale", "divide", "constant", INNER, *SUMS]
)
@pytest.mark.parametrize("what", [{"gammas": 0.0}, {"gammas": 0.5}, {"missed": 1}], ids=str)
def test_roundings_not_counted_are_caught(name, what):
    assert_caught(name, forgetting(**what))


@pytest.mark.parametrize(
    "name",
    [
        *("sqrt", *CURVED, *PULLED, BINARY[0], BINARY[1], *CATEGORICAL),
        *(*ELU, *ELU_PULLED, *SMOOTH, *SMOOTH_PULLED),
    ],
)
def test_functions_taken_to_be_exact_are_caught(name):
    assert_caught(name, forgetting(charged=0.0))


@pytest.mark.parametrize("name", ["sqrt", *CURVED, BINARY[0], *ELU, *SMOOTH])
def test_functions_charged_by_half_are_caught(name):
    assert_caught(name, forgetting(charged=0.5))


@pytest.mark.parametrize(
    "name",
    [*PAIRS, "times", "sqrt", INNER, *SQUARED, HINGE[0], *LEAKY, *LEAKY_PULLED, *ELU, *SMOOTH],
)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_smaller_unit_roundoff_is_caught(name, share):
    assert_caught(name, lambda rounding: BallOps(replace(rounding, unit=share * rounding.unit)))


@pytest.mark.parametrize(
    "name",
    [
        *("exact", "matmul", "affine", "joined", "times", "scale", "divide", *PAIRS, *SUMS),
        *("sigmoid", "softmax", *PULLED, BINARY[1], CATEGORICAL[1], *SQUARED, INNER),
        *(*LEAKY, *LEAKY_PULLED, "selu", *ELU_PULLED, "gelu", "gelu tanh", *SMOOTH_PULLED),
    ],
)
def test_underflow_forgotten_is_caught(name):
    assert_caught(name, lambda rounding: BallOps(replace(rounding, tiny=0.0)))


@pytest.mark.parametrize("name", ["affine", "joined", *ORDERS])
def test_terms_that_are_only_added_in_the_end_are_caught(name):
    assert_caught(name, Apart)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        *(("affine", "affine"), ("total", "joined"), ("charged", "joined")),
        *(("total", "loss sum"), ("scale", "loss sum"), ("enlarged", "loss sum")),
        *(("charged", "penalised gradient"), ("scale", "penalised gradient")),
        ("enlarged", "penalised gradient"),
    ],
)
def test_each_rule_that_takes_its_terms_apart_is_caught(rule, name):
    sound = {name: getattr(BallOps, name) for name in vars(Apart) if not name.startswith("_")}
    del sound[rule]
    assert_caught(name, type("Partly", (Apart,), sound), 4 * CASES)


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("missed", ["coefficient", "kinds", "enlargement"])
def test_counts_that_are_too_low_are_caught(missed, name, monkeypatch):
    """Roundings of the coefficient, terms of the penalties, what a last factor enlarges."""

    def lower(network: Network, samples: int) -> Sums:
        counts = sums_of(network, samples)
        low = {"coefficient": max(counts.coefficient - 1, 0), "enlargement": 1.0}
        low["kinds"] = dict.fromkeys(counts.kinds, 0)
        return replace(counts, **{missed: low[missed]})

    monkeypatch.setattr(ball_orders, "sums_of", lower)
    monkeypatch.setattr(evaluate, "sums_of", lower)
    assert_caught(name, cases=4 * CASES)


@pytest.mark.parametrize("name", ORDERS)
def test_a_penalty_with_too_few_roundings_is_caught(name, monkeypatch):
    monkeypatch.setattr(penalties, "PENALTY", PENALTY - 1)
    assert_caught(name, cases=4 * CASES)


# --- operands and results ----------------------------------------------------------------------


def still(ball: Ball) -> Ball:
    """As large as it may be, but known exactly."""
    result = Ball(ball.value, np.zeros_like(ball.value))
    result._magnitude = ball.magnitude
    return result


def central(ball: Ball) -> Ball:
    """Not known exactly, but no larger than its value."""
    result = Ball(ball.value, ball.radius)
    result._magnitude = np.abs(ball.value)
    return result


def halved(ball: Ball) -> Ball:
    """Known twice as well."""
    return Ball(ball.value, None if ball.radius is None else ball.radius / 2)


class Weakened(BallOps):
    """Ball arithmetic, one rule of which has one of its operands, or its result, weakened."""

    def __init__(
        self, rounding: Rounding, rule: str, weaken: Callable[[Ball], Ball], operand: int | None
    ) -> None:
        super().__init__(rounding)
        original = getattr(self, rule)

        def weakened(*arguments: object, **options: object) -> object:
            changed = list(arguments)
            if operand is not None:
                at = [index for index, a in enumerate(changed) if isinstance(a, Ball)][operand]
                changed[at] = weaken(changed[at])
            result = original(*changed, **options)
            if operand is not None:
                return result
            return tuple(map(weaken, result)) if isinstance(result, tuple) else weaken(result)

        setattr(self, rule, weakened)


RULES: dict[str, Sequence[str]] = {
    "exact": ("exact",),
    "matmul": ("matmul",),
    "affine": ("affine",),
    "charged": ("joined",),
    "add": ("plus", "plus row"),
    "subtract": ("minus", "minus row"),
    "multiply": ("times",),
    "scale": ("scale",),
    "divide": ("divide",),
    "sqrt": ("sqrt",),
    "constant": ("constant",),
    "total": ("total", "column total"),
    "magnitude": ("magnitude",),
    "sign": ("sign",),
    "activate": ("relu", *CURVED, *LEAKY, *ELU, *SMOOTH),
    "vjp": ("relu pulled", *PULLED, *LEAKY_PULLED, *ELU_PULLED, *SMOOTH_PULLED),
    "loss_and_slope": (*BINARY, *CATEGORICAL, *SQUARED, *HINGE, INNER),
}


@pytest.mark.parametrize(
    ("rule", "name"), [(rule, name) for rule, names in RULES.items() for name in names]
)
def test_half_the_radius_is_caught(rule, name):
    assert_caught(name, partial(Weakened, rule=rule, weaken=halved, operand=None))


# Rule, operand, what is taken from it, checks.
OPERANDS: tuple[tuple[str, int, Callable[[Ball], Ball], Sequence[str]], ...] = (
    *(
        (rule, 0, still, RULES[rule])
        for rule in RULES
        if rule not in ("exact", "constant", "vjp", "loss_and_slope")
    ),
    ("divide", 1, still, ("divide",)),
    ("divide", 1, halved, ("divide",)),
    ("divide", 0, central, ("divide",)),
    ("sqrt", 0, halved, ("sqrt",)),
    *(
        (rule, 1, still, RULES[rule])
        for rule in ("matmul", "affine", "add", "subtract", "multiply")
    ),
    *(
        (rule, 0, central, RULES[rule])
        for rule in ("matmul", "affine", "multiply", "scale", "total")
    ),
    *((rule, 1, central, RULES[rule]) for rule in ("matmul", "affine", "multiply")),
    ("affine", 2, still, ("affine",)),
    ("affine", 2, central, ("affine",)),
    # z, a and the cotangent: some look at z, others at a.
    ("vjp", 0, still, ("relu pulled", *LEAKY_PULLED, *ELU_PULLED, *SMOOTH_PULLED)),
    ("vjp", 0, halved, ("relu pulled", *LEAKY_PULLED, *ELU_PULLED, *SMOOTH_PULLED)),
    ("vjp", 1, still, (*PULLED, *ELU_PULLED)),
    ("vjp", 1, halved, (*PULLED, *ELU_PULLED)),
    ("vjp", 2, still, RULES["vjp"]),
    ("vjp", 2, central, ("relu pulled",)),
    # z, a and y: the rows of cross-entropies look at z, the others at a. Targets are exact but for
    # subnormal ones, whose flushing the roundings beside them cover, save where all is as small.
    ("loss_and_slope", 0, still, (BINARY[0], CATEGORICAL[0])),
    ("loss_and_slope", 1, still, (BINARY[1], CATEGORICAL[1], *SQUARED, *HINGE, INNER)),
    ("loss_and_slope", 1, halved, (BINARY[1], CATEGORICAL[1], *SQUARED, *HINGE, INNER)),
    ("loss_and_slope", 2, still, (SQUARED[1],)),
)


@pytest.mark.parametrize(
    ("rule", "operand", "weaken", "name"),
    [(*what, name) for *what, names in OPERANDS for name in names],
)
def test_what_an_operand_may_be_off_is_taken_into_account(rule, operand, weaken, name):
    assert_caught(name, partial(Weakened, rule=rule, weaken=weaken, operand=operand))


# --- within the rules --------------------------------------------------------------------------


@pytest.fixture
def backproof_without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, object], None]:
    """Replaces a name of `balls.ball` wherever a rule has imported it."""

    def replaced(name: str, value: object) -> None:
        for module in [m for key, m in sys.modules.items() if key.startswith("backproof.")]:
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)

    return replaced


@pytest.mark.parametrize(
    ("name", "limit", "value"),
    [
        ("gelu", "BENT", 0.0),
        ("gelu tanh", "BENT", 0.0),
        ("gelu", "STEEPEST", 1.0),
        ("gelu tanh", "STEEPEST", 1.0),
        ("gelu pulled", "TWISTED", 0.0),
        ("gelu tanh pulled", "TWISTED", 0.0),
        ("gelu pulled", "BENT", 0.5),
        ("gelu tanh pulled", "BENT", 0.5),
        ("gelu tanh pulled", "TANH_IS_ONE", 4.0),
    ],
)
def test_a_derivative_bounded_too_low_is_caught(name, limit, value, backproof_without):
    backproof_without(limit, value)
    assert_caught(name)


@pytest.mark.parametrize("name", ["elu bent pulled", "elu steep pulled", "selu pulled"])
def test_a_kink_blurred_by_a_rounded_exp_is_caught(name, monkeypatch):
    """TensorFlow takes the slope by the sign of exp(z) − 1, which is 0 for a z of less than u."""
    monkeypatch.setattr(elu, "blurred", lambda z, rounding: False)
    assert_caught(name)


@pytest.mark.parametrize("name", [*CURVED, CATEGORICAL[0]])
def test_a_slope_that_does_not_grow_over_its_reach_is_caught(name, backproof_without):
    backproof_without("growth", lambda radius, rate: 1.0)
    assert_caught(name)


@pytest.mark.parametrize(
    "name",
    ["matmul", "times", "scale", *PAIRS, *SUMS, "relu pulled", "sigmoid", "tanh", SQUARED[1]],
)
def test_the_roundings_of_the_radius_itself_are_made_up_for(name, backproof_without):
    backproof_without("SLACK", 1.0)
    backproof_without("inflated", lambda operations: 1.0)
    assert_caught(name)
