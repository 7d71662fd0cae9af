"""Standardising: the ball rule covers every usual form, and no part of it can be left out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from backproof.mathematics.arithmetic import standardised
from backproof.mathematics.arithmetic.balls import standardise
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import certify
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.random.spread import spreads
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.arithmetic.standard import Standard
from tests.mathematics.arithmetic.ball_checks import searched
from tests.mathematics.arithmetic.ball_standardise import CHECKS, MOMENTS, of_squares
from tests.mathematics.arithmetic.test_ball_weakened import Weakened, forgetting, halved, still

NAMES = pytest.mark.parametrize("name", CHECKS)
CASES = 2000
# Of the radius an adversary of some habit reaches so much: many forms share one rule.
SHARES = {"variance": 0.1, "standardise": 0.15, "standardise pulled": 0.08}
BYS = [
    Standard((-1,), 1e-5),
    Standard((0, 1), 1e-3, inside=False),
    Standard((0, 2), 1e-5, unbiased=True),
    Standard((1, 2), 1e-6, centred=False),
    Standard((-1,), 1e-3, inside=False, unbiased=True),
]


@NAMES
def test_the_rule_covers_its_value_and_every_implementation(name: str) -> None:
    searched(CHECKS[name], 1200)


@NAMES
def test_adversaries_come_near_the_radius(name: str) -> None:
    """On ordinary numbers known exactly, and on such that move far more than anything rounds."""
    for inputs, wanted in (("exact", SHARES[name]), ("moved", 0.3)):
        check = partial(searched, CHECKS[name], 300, dtypes=["float64"], charges=((),))
        assert check(inputs=inputs, enough=wanted) >= wanted  # type: ignore[arg-type]


@NAMES
def test_one_pass_is_covered_where_any_form_is_granted_and_there_alone(name: str) -> None:
    check = partial(CHECKS[name], moments=(of_squares,))
    searched(check, 600, arithmetic=lambda rounding: BallOps(rounding.in_any_form()))
    with pytest.raises(AssertionError, match="but the radius is"):
        searched(check, CASES)


def caught(name: str, arithmetic: Any, cases: int = CASES) -> None:
    with pytest.raises(AssertionError, match="but the radius is"):
        searched(CHECKS[name], cases, arithmetic=arithmetic)


@NAMES
def test_roundings_not_counted_are_caught(name: str) -> None:
    caught(name, forgetting(gammas=0.0))


@pytest.mark.parametrize("name", ["standardise", "standardise pulled"])
def test_a_root_taken_to_be_exact_is_caught(name: str) -> None:
    caught(name, forgetting(charged=0.0))


@NAMES
def test_underflow_forgotten_is_caught(name: str) -> None:
    caught(name, lambda rounding: BallOps(replace(rounding, tiny=0.0)))


@NAMES
def test_half_a_radius_is_caught(name: str) -> None:
    rule = name.replace(" pulled", "_vjp")
    if name == "variance":
        caught(name, partial(Weakened, rule=rule, weaken=halved, operand=None))
    caught(name, partial(Weakened, rule=rule, weaken=halved, operand=0))


@NAMES
def test_an_operand_taken_to_be_exact_is_caught(name: str) -> None:
    rule = name.replace(" pulled", "_vjp")
    for operand in range(2 if "pulled" in name else 1):
        caught(name, partial(Weakened, rule=rule, weaken=still, operand=operand))


@pytest.mark.parametrize(
    ("constant", "name"), [("OF_SQUARES", "variance"), ("OF_TERMS", "standardise pulled")]
)
def test_a_count_left_out_is_caught(constant: str, name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(standardise, constant, -40)
    caught(name, BallOps, 3 * CASES)


def point(dtype: str = "float64", mean: float = 0.0) -> tuple[Any, Any]:
    stream = np.random.default_rng(0)
    x, g = (stream.normal(size=(4, 5, 6)) for _ in range(2))
    return (x + mean).astype(dtype), g.astype(dtype)


def all_of(ops: Any, x: Any, g: Any, by: Standard) -> dict[str, Any]:
    x, g = ops.exact(x), ops.exact(g)
    return {
        "variance": ops.variance(x, by),
        "standardise": ops.standardise(x, by),
        "pulled": ops.standardise_vjp(x, g, by),
    }


@pytest.mark.parametrize("by", BYS, ids=str)
@pytest.mark.parametrize(("dtype", "power"), [("float64", 1e-13), ("float32", 1e-4)])
def test_it_is_strong(by: Standard, dtype: str, power: float) -> None:
    x, g = point(dtype)
    balls = all_of(BallOps(Rounding.of(dtype)), x, g, by)
    truths = certify(lambda ops: all_of(ops, x, g, by), Rounding.of(dtype).unit)
    computed = all_of(Float(), x, g, by)
    for name, ball in balls.items():
        assert (truths[name].error(computed[name]) <= ball.radius).all()
        assert ball.radius.max() < power * np.abs(ball.value).max()


def test_two_in_a_row_are_known_to_twelve_digits() -> None:
    x, g = point()
    by, ops = Standard((-1,), 1e-5), BallOps(Rounding.of("float64"))
    first = ops.exact(x)
    second = ops.standardise(first, by)
    back = ops.standardise_vjp(first, ops.standardise_vjp(second, ops.exact(g), by), by)
    assert back.radius.max() < 1e-12 * np.abs(back.value).max()


@pytest.mark.parametrize("by", BYS, ids=str)
@pytest.mark.parametrize("mean", [0.0, 30.0])
def test_random_rounding_errors_are_those_of_numpy(by: Standard, mean: float) -> None:
    """In float32, no element is off by more than six spreads; and spreads are of that order."""
    x, g = point("float32", mean)
    found = spreads(lambda ops, _: all_of(ops, x, g, by), Rounding.of("float32"), chance=1e-9)
    computed = all_of(Float(), x, g, by)
    balls = all_of(BallOps(Rounding.of("float32")), x, g, by)
    for name, spread in found.items():
        off = np.abs(computed[name].astype(float) - spread.value)
        assert (off <= 6 * spread.sigma).all()
        assert off.max() > 0.02 * spread.sigma.max()
        assert spread.radius.max() < 3 * balls[name].radius.max()


@pytest.mark.parametrize("missed", ["roundings of x and μ", "the sum"])
def test_random_errors_left_out_are_noticed(missed: str, monkeypatch: Any) -> None:
    by = Standard((-1,), 1e-5)
    x, g = point("float32", 1000.0)

    def sigma() -> float:
        found = spreads(lambda ops, _: all_of(ops, x, g, by), Rounding.of("float32"), chance=1e-9)
        return float(found["standardise"].sigma.max())

    whole = sigma()
    if missed == "the sum":
        monkeypatch.setattr(Float, "total", Float.total)
        monkeypatch.setattr(
            "backproof.mathematics.arithmetic.random.local_errors.LocalErrors.total",
            lambda self, a, result, axis, further: np.zeros_like(result),
        )
    else:
        monkeypatch.setattr(standardised, "UNCENTRED", 0)
    assert sigma() < 0.9 * whole


def test_a_group_of_equal_numbers_is_known_where_epsilon_is_large_enough() -> None:
    x = np.full((2, 5), 0.3)
    ops = BallOps(Rounding.of("float64"))
    ball = ops.standardise(ops.exact(x), Standard((-1,), 1e-5))
    assert (ball.value == 0).all()
    assert ball.radius is not None
    assert ball.radius.max() < 1e-12
    unknown = ops.standardise(ops.exact(x), Standard((-1,), 0.0))
    assert unknown.radius is not None
    assert np.isinf(unknown.radius).all()


def test_the_forms_are_different_code() -> None:
    """Else the checks would say the same thing three times."""
    assert len({moments.__name__ for moments in MOMENTS}) == 3
