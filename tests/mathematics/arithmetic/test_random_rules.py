"""Each local error is as large as its rule says; one left out or halved is noticed.

What is expected is written down here from the papers and the rules in balls, and held against the
spread of one operation alone, over so many replicas that a half is far outside of chance.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.random.accumulating import errors_of
from backproof.mathematics.arithmetic.random.local_errors import HalfErrors, LocalErrors
from backproof.mathematics.arithmetic.random.spread import spreads
from backproof.mathematics.arithmetic.rounding.model import TABLE, Rounding
from tests.mathematics.arithmetic.half_models import model

REPLICAS = 2048
# Five standard deviations of a spread over so many replicas.
CHANCE_OF_SPREAD = 5 / sqrt(2 * REPLICAS)
FLOAT32, HALF = Rounding.of("float32"), model("bfloat16", tanh="float64")
U, TINY, COARSE = FLOAT32.unit, FLOAT32.tiny, HALF.unit

random = np.random.default_rng(1)
A, B = random.normal(size=(4, 5)), random.normal(size=(5, 3))
C, BIAS = random.normal(size=(4, 3)), random.normal(size=3)
POSITIVE = np.abs(A) + 0.1
TANH, SIGMOID = functions.named("tanh"), functions.named("sigmoid")
SQUARED = losses.named("squared_error")
PLACES = np.repeat([0, 1, 2], [9, 10, 1]).reshape(4, 5)
SMALL = np.array([[1e-30, 1.0], [-3e-39, 0.0]])


def of_sum(terms: np.ndarray, count: int, axis: Any = 0, unit: float = U) -> np.ndarray:
    """u·√N·(|Σt| + ‖t‖₂)."""
    size = np.abs(terms.sum(axis=axis)) + np.sqrt((terms**2).sum(axis=axis))
    return np.asarray(unit * sqrt(count) * size)


def scattered(terms: np.ndarray) -> np.ndarray:
    """`of_sum` of each place; nothing of one term."""
    parts = [terms[place == PLACES] for place in range(3)]
    return np.array([of_sum(part, len(part)) * (len(part) > 1) for part in parts])


def charge(function: str) -> float:
    """2u for each ulp: the most that was measured of it anywhere, and half as much again."""
    lines = csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())
    return (
        2
        * U
        * max(
            float(line["charged"])
            for line in lines
            if (line["function"], line["dtype"]) == (function, "float32")
        )
    )


def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The terms of a @ b, along the first axis."""
    return np.moveaxis(a[:, :, None] * b[None], 1, 0)


def function_error(ball: Ball) -> np.ndarray:
    """A charge, once for each element and twice for all: upwards, and away from 0."""
    assert ball.radius is not None
    return np.asarray(sqrt(3) * ball.radius)


def pulled(rounding: Rounding) -> np.ndarray:
    a = TANH.value(A)
    own = TANH.ball(Ball(A, None), rounding).radius
    return function_error(
        TANH.vjp_ball(Ball(A, None), Ball(a, own), Ball(POSITIVE, None), rounding)
    )


def loss_of(which: int) -> Callable[[Rounding], np.ndarray]:
    def expected(rounding: Rounding) -> np.ndarray:
        given = Ball(A, None), Ball(A, np.zeros_like(A)), Ball(POSITIVE, None)
        return function_error(SQUARED.ball(*given, rounding)[which])

    return expected


def all_together() -> np.ndarray:
    """Σ tanh: the shared parts add up, the others by squares; and what the sum rounds."""
    a = TANH.value(A)
    function = charge("tanh") * np.sqrt((a**2).sum() + np.abs(a).sum() ** 2 + a.sum() ** 2)
    return np.hypot(function, of_sum(a.ravel(), a.size))


TWO_SUMS = products(A, B)
# Operation, and the standard deviation of its result.
CASES: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "matmul": (lambda ops: ops.matmul(ops.exact(A), ops.exact(B)), of_sum(TWO_SUMS, 5)),
    "matmul in a longer sum": (
        lambda ops: ops.matmul(ops.exact(A), ops.exact(B), further_terms=7),
        of_sum(TWO_SUMS, 12),
    ),
    "affine": (
        lambda ops: ops.affine(ops.exact(A), ops.exact(B), ops.exact(BIAS)),
        of_sum(np.concatenate([TWO_SUMS, np.broadcast_to(BIAS, (1, 4, 3))]), 6),
    ),
    "total": (lambda ops: ops.total(ops.exact(A)), of_sum(A.ravel(), 20)),
    "column total": (
        lambda ops: ops.total(ops.exact(A), axis=0, further_terms=3),
        of_sum(A, 7),
    ),
    "add": (lambda ops: ops.add(ops.exact(C), ops.exact(BIAS)), U * np.abs(C + BIAS)),
    "subtract": (lambda ops: ops.subtract(ops.exact(C), ops.exact(BIAS)), U * np.abs(C - BIAS)),
    "multiply": (lambda ops: ops.multiply(ops.exact(C), ops.exact(BIAS)), U * np.abs(C * BIAS)),
    "divide": (
        lambda ops: ops.divide(ops.exact(C), ops.exact(BIAS)),
        sqrt(2) * U * np.abs(C / BIAS),
    ),
    "scale": (lambda ops: ops.scale(ops.exact(A), 0.3, roundings=2), sqrt(7) * 0.3 * U * np.abs(A)),
    "constant": (
        lambda ops: ops.constant(0.3, ops.exact(A), 3),
        np.full(A.shape, 3 * 0.3 * U),
    ),
    "charged": (lambda ops: ops.charged(ops.exact(A), 4), sqrt(20) * U * np.abs(A)),
    "summand": (lambda ops: ops.as_summand(ops.exact(A), 9), 3 * U * np.abs(A)),
    "scatter": (lambda ops: ops.scatter(ops.exact(A), PLACES, (3,)), scattered(A)),
    "sqrt": (
        lambda ops: ops.sqrt(ops.exact(POSITIVE)),
        sqrt(3) * charge("sqrt") * np.sqrt(POSITIVE),
    ),
    "tanh": (
        lambda ops: ops.activate(TANH, ops.exact(A)),
        sqrt(3) * charge("tanh") * np.abs(np.tanh(A)),
    ),
    "tanh pulled": (
        lambda ops: ops.vjp(TANH, ops.exact(A), ops.exact(np.tanh(A)), ops.exact(POSITIVE)),
        pulled(FLOAT32.as_measured()),
    ),
    "loss": (
        lambda ops: ops.loss_and_slope(SQUARED, ops.exact(A), ops.exact(A), ops.exact(POSITIVE))[0],
        loss_of(0)(FLOAT32),
    ),
    "slope": (
        lambda ops: ops.loss_and_slope(SQUARED, ops.exact(A), ops.exact(A), ops.exact(POSITIVE))[1],
        loss_of(1)(FLOAT32),
    ),
    "tanh in a sum": (lambda ops: ops.total(ops.activate(TANH, ops.exact(A))), all_together()),
    "datum": (lambda ops: ops.exact(SMALL), np.array([[0, 0], [3e-39, 0]])),
    "underflow": (
        lambda ops: ops.multiply(ops.exact(SMALL[:1]), ops.exact(np.array([1e-15, 1.0]))),
        np.array([[TINY, U]]),
    ),
}
ONE_SUM = products(A, B).sum(axis=0)
IN_HALF: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "matmul": (CASES["matmul"][0], of_sum(TWO_SUMS, 5) + COARSE * np.abs(ONE_SUM)),
    "affine": (
        CASES["affine"][0],
        CASES["affine"][1] + COARSE * np.hypot(ONE_SUM + BIAS, ONE_SUM),
    ),
    "column total": (
        CASES["column total"][0],
        of_sum(A, 4) + COARSE * np.abs(A.sum(axis=0)),
    ),
    "joined": (
        lambda ops: ops.sum_of_charged([ops.exact(A), ops.exact(POSITIVE), ops.exact(A)]),
        sqrt(2) * COARSE * (2 * np.abs(A) + POSITIVE),
    ),
    "summand": (CASES["summand"][0], np.zeros_like(A)),
    # Computed more exactly, and rounded to nearest: nothing that all elements share.
    "tanh": (CASES["tanh"][0], COARSE * np.abs(np.tanh(A))),
    # In the dtype itself, by a function that errs to one side.
    "sigmoid": (
        lambda ops: ops.activate(SIGMOID, ops.exact(A)),
        function_error(SIGMOID.ball(Ball(A, None), HALF)),
    ),
}


def check(
    case: tuple[Callable[[Any], Any], np.ndarray], rounding: Rounding, errors: LocalErrors
) -> None:
    operation, expected = case
    found = spreads(
        lambda ops, intervene: {"it": operation(ops)},
        rounding,
        chance=1e-9,
        replicas=REPLICAS,
        errors=errors,
    )["it"]
    assert found.sigma.shape == expected.shape
    assert ((found.sigma == 0) == (expected == 0)).all(), "what is exact"
    off = np.abs(found.sigma - expected) / np.where(expected, expected, 1)
    assert off.max() <= CHANCE_OF_SPREAD, "the spread"


@pytest.mark.parametrize("name", CASES)
def test_an_operation_errs_as_much_as_its_rule_says(name: str) -> None:
    check(CASES[name], FLOAT32, errors_of(FLOAT32))


@pytest.mark.parametrize("name", IN_HALF)
def test_an_operation_in_half_precision_errs_as_much(name: str) -> None:
    errors = errors_of(HALF)
    assert isinstance(errors, HalfErrors)
    check(IN_HALF[name], HALF, errors)


def test_in_float64_the_disturbance_is_enlarged_and_the_spread_divided() -> None:
    rounding = Rounding.of("float64")
    operation, expected = CASES["matmul"]
    check((operation, expected * rounding.unit / U), rounding, errors_of(rounding))


def test_a_coefficient_that_is_held_more_narrowly_errs_by_that() -> None:
    rounding = replace(Rounding.of("float64"), coefficients=U)
    expected = 0.3 * np.abs(A) * (U / (1 - U))
    check((lambda ops: ops.scale(ops.exact(A), 0.3), expected), rounding, errors_of(rounding))


def test_a_declared_accuracy_is_drawn_for_each_element_and_for_all() -> None:
    rounding = replace(FLOAT32, absolute=(("sigmoid", 1e-3),))
    expected = function_error(SIGMOID.ball(Ball(A, None), FLOAT32)) + sqrt(3) * 1e-3
    case = (lambda ops: ops.activate(SIGMOID, ops.exact(A)), expected)
    check(case, rounding, errors_of(rounding))


def test_a_power_of_two_and_a_relu_are_exact() -> None:
    exact = np.zeros_like(A)
    relu = functions.named("relu")
    for operation in (
        lambda ops: ops.scale(ops.exact(A), 0.5, roundings=-1),
        lambda ops: ops.activate(relu, ops.exact(A)),
        lambda ops: ops.transpose(ops.transpose(ops.exact(A))),
    ):
        check((operation, exact), FLOAT32, errors_of(FLOAT32))


# --- weakened rules ----------------------------------------------------------------------------


def weakened(kind: type[LocalErrors], rule: str, share: float) -> type[LocalErrors]:
    """Local errors with a share of what one rule says."""
    whole = getattr(kind, rule)

    def part(of: Any) -> Any:
        if isinstance(of, tuple):
            return tuple(map(part, of))
        return None if of is None else share * of

    if not callable(whole):
        return type("Weakened", (kind,), {rule: share * whole})
    return type("Weakened", (kind,), {rule: lambda self, *given: part(whole(self, *given))})


NOTICED_BY = {
    "contraction": ("matmul", "matmul in a longer sum", "affine"),
    "total": ("total", "column total"),
    "of_sum": ("matmul", "matmul in a longer sum", "affine", "total", "column total"),
    "elementary": ("add", "subtract", "multiply", "divide", "scale", "summand"),
    "coefficient": ("scale", "constant", "charged"),
    "summand": ("summand",),
    "root": ("sqrt",),
    "activation": ("tanh", "tanh in a sum"),
    "scattered": ("scatter",),
    "vjp": ("tanh pulled",),
    "loss": ("loss", "slope"),
    "systematic": ("sqrt", "tanh", "tanh pulled", "loss", "slope", "tanh in a sum"),
    "datum": ("datum",),
    "underflow": ("underflow",),
}


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize(
    ("rule", "name"), [(r, n) for r, names in NOTICED_BY.items() for n in names]
)
def test_a_local_error_left_out_or_halved_is_noticed(rule: str, name: str, share: float) -> None:
    with pytest.raises(AssertionError, match=r"what is exact|the spread"):
        check(CASES[name], FLOAT32, weakened(LocalErrors, rule, share)(FLOAT32))


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize(
    ("rule", "name"),
    [
        *(("contraction", "matmul"), ("contraction", "affine"), ("total", "column total")),
        *(("joined", "joined"), ("activation", "tanh"), ("systematic", "sigmoid")),
    ],
)
def test_one_in_half_precision_is_noticed(rule: str, name: str, share: float) -> None:
    with pytest.raises(AssertionError, match=r"what is exact|the spread"):
        check(IN_HALF[name], HALF, weakened(HalfErrors, rule, share)(HALF))


def test_every_rule_is_weakened() -> None:
    rules = {
        name
        for kind in (LocalErrors, HalfErrors)
        for name in vars(kind)
        if not name.startswith("_")
    }
    # What underflow takes from sums is part of their rules; `enlarged` and `lost` only pass it on,
    # and `shared` passes on what is systematic. What a contract changes: test_accumulating.py.
    assert rules - {"enlarged", "lost", "shared", "by_one"} == {*NOTICED_BY, "joined"}
