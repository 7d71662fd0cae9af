"""Half precision: wide sums that round once, steps that round; weakened, each rule fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls import half
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.half import (
    MOST_TERMS,
    STEPS,
    HalfOps,
)
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import HALF, Rounding
from backproof.mathematics.functions import MOST_ARGUMENT
from backproof.mathematics.functions.softmax import MOST_UNITS
from tests.mathematics.arithmetic.ball_checks import CHECKS, searched
from tests.mathematics.arithmetic.half_models import model

Values = np.ndarray
# In the dtype itself, where nothing is known of the inside: the rules of `BallOps`.
SAME = ("plus", "minus", "times", "exact", "magnitude", "sign", "doubled", "tanh", "softmax")


@pytest.mark.parametrize("name", SAME)
def test_what_is_not_known_is_charged_in_the_dtype(name: str) -> None:
    assert searched(CHECKS[name], 60, dtypes=HALF, arithmetic=HalfOps) <= 1


def drawn_ball(shape: tuple[int, ...], stream: np.random.Generator, dtype: str) -> tuple[Ball, ...]:
    """A ball, an exact point and a computed one within its radius of that."""
    value = stream.normal(size=shape)
    radius = np.abs(value) * Rounding.of(dtype).unit * stream.uniform(0, 2, shape)
    signs = stream.choice((-1.0, 1.0), shape)
    exact = value + radius * signs * 0.999
    return Ball(value, radius), exact, exact + radius * stream.choice((-1.0, 1.0), shape) * 0.999


def worst_sum(terms: Values, dtype: str, stream: np.random.Generator, *, roundings: int) -> Values:
    """Sums over the last axis that err by all that float32 allows, then by one full rounding."""
    wide, own = Rounding.of("float32"), Rounding.of(dtype)
    total = terms.sum(axis=-1)
    push = stream.choice((-1.0, 1.0), total.shape)
    total = total + push * wide.gamma(roundings) * np.abs(terms).sum(axis=-1) * 0.999
    return total * (1 + push * np.sign(total) * own.unit * 0.999)


def share_of_matmul(ops: BallOps, dtype: str, seed: int) -> float:
    """The largest share of its radius that an adversary's product takes up."""
    stream, terms = np.random.default_rng(seed), 1 + seed % 40
    (a, exact_a, near_a), (b, exact_b, near_b) = (
        drawn_ball(shape, stream, dtype) for shape in ((5, terms), (terms, 4))
    )
    if seed % 2:  # sums that cancel, of exact numbers: all that is left is what float32 loses
        exact_a = near_a = np.concatenate([exact_a, -exact_a[:, ::-1]], axis=1)
        exact_b = near_b = np.concatenate([exact_b, exact_b[::-1]], axis=0)
        a, b = Ball(exact_a, None), Ball(exact_b, None)
    computed = worst_sum(
        near_a[:, None, :] * near_b.T[None, :, :], dtype, stream, roundings=exact_a.shape[1]
    )
    found = ops.matmul(a, b)
    assert found.radius is not None
    return float((np.abs(computed - exact_a @ exact_b) / found.radius).max())


@pytest.mark.parametrize("dtype", HALF)
def test_a_wide_product_covers_the_worst(dtype: str) -> None:
    shares = [share_of_matmul(HalfOps(model(dtype)), dtype, seed) for seed in range(60)]
    assert 0.3 < max(shares) <= 1


class Unrounded(HalfOps):
    """Without the rounding that follows a wide operation."""

    def within(
        self,
        operation: str,
        compute: Callable[[BallOps], Ball],
        *given: Ball,
        measured: bool = True,
    ) -> Ball:
        return compute(self._made_inside(operation)[0])


class Finer(HalfOps):
    """A sum in float32 that is charged as one in float64."""

    def within(
        self,
        operation: str,
        compute: Callable[[BallOps], Ball],
        *given: Ball,
        measured: bool = True,
    ) -> Ball:
        after = self._made_inside(operation)[1]
        assert after is not None
        return half.rounded(compute(BallOps(Rounding.of("float64"))), after)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("weakened", [Unrounded, Finer])
def test_a_weakened_product_does_not(dtype: str, weakened: type[HalfOps]) -> None:
    assert max(share_of_matmul(weakened(model(dtype)), dtype, seed) for seed in range(60)) > 1


@pytest.mark.parametrize("dtype", HALF)
def test_a_bias_is_summed_with_the_product_or_added_to_it(dtype: str) -> None:
    stream, ops, own = np.random.default_rng(0), HalfOps(model(dtype)), Rounding.of(dtype)
    for _ in range(40):
        (a, exact_a, near_a), (b, exact_b, near_b), (c, exact_c, near_c) = (
            drawn_ball(shape, stream, dtype) for shape in ((5, 3), (3, 4), (4,))
        )
        exact, found = exact_a @ exact_b + exact_c, ops.affine(a, b, c)
        terms = near_a[:, None, :] * near_b.T[None, :, :]
        apart = worst_sum(terms, dtype, stream, roundings=3) + near_c
        apart *= 1 + own.unit * np.sign(apart) * stream.choice((-1.0, 1.0), apart.shape)
        bias = np.broadcast_to(near_c[:, None], (5, 4, 1))
        fused = worst_sum(np.concatenate([terms, bias], axis=2), dtype, stream, roundings=4)
        for computed in (apart, fused):
            assert (np.abs(computed - exact) <= found.radius).all()


def largest_sum(terms: Values, precision: str, dtype: str) -> Values:
    """Sums over the last axis of terms above 0, each rounding upward, in some precision."""
    total = terms.sum(axis=-1) * (1 + 0.999 * Rounding.of(precision).gamma(terms.shape[-1] - 1))
    return total * (1 + Rounding.of(dtype).unit) if precision != dtype else total


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("by_row", ["float32", "the dtype"])
@pytest.mark.parametrize("over_all", ["float32", "the dtype"])
def test_a_loss_is_summed_over_its_outputs_first_or_at_once(
    by_row: str, over_all: str, dtype: str
) -> None:
    """The sums over the outputs are rounded, and their sum again: one rounding would not do."""
    inner, outer = (dtype if name == "the dtype" else name for name in (by_row, over_all))
    ops, worst = HalfOps(model(dtype, row_sum=inner, sum=outer)), 0.0
    for seed in range(60):
        rows = np.abs(np.random.default_rng(seed).normal(size=(3, 5)))
        first = largest_sum(rows, inner, dtype)
        computed = [largest_sum(each, outer, dtype) for each in (first, rows.ravel())]
        found = ops.total(Ball(rows, None))
        error = max(abs(each - rows.sum()) for each in computed)
        assert error <= found.radius
        worst = max(worst, float(error / found.radius))
    assert worst > 0.9


def test_arguments_larger_than_measured_are_charged_in_the_dtype() -> None:
    ops = HalfOps(model("bfloat16", softplus="float32", sigmoid="float32"))
    unknown = BallOps(Rounding.of("bfloat16"))
    for name, value, same in (
        ("softplus", MOST_ARGUMENT, False),
        ("softplus", MOST_ARGUMENT + 1, True),
        ("sigmoid", MOST_ARGUMENT + 1, False),
    ):
        f, z = functions.named(name), ops.exact(np.array([[value]]))
        assert np.array_equal(ops.activate(f, z).radius, unknown.activate(f, z).radius) == same


@pytest.mark.parametrize("dtype", HALF)
def test_parts_are_added_in_any_order(dtype: str) -> None:
    ops, own = HalfOps(model(dtype)), Rounding.of(dtype)
    parts = [np.array([1.0]), np.array([0.5]), np.array([0.25])]
    found = ops.sum_of_charged([Ball(part, None) for part in parts])
    first = (parts[0] + parts[1]) * (1 + own.unit)
    error = (first + parts[2]) * (1 + own.unit) - 1.75
    assert 0.7 * found.radius <= error <= found.radius


def test_long_sums_are_bounded_where_they_are_wide() -> None:
    """n·u of the accumulator counts: 600 terms say something in float32, nothing in bfloat16."""
    a, b = Ball(np.ones((1, MOST_TERMS)), None), Ball(np.ones((MOST_TERMS, 1)), None)
    wide = HalfOps(model("bfloat16")).matmul(a, b)
    assert 2 < wide.radius[0, 0] < 3
    own = HalfOps(replace(model("bfloat16"), inside=())).matmul(a, b)
    assert np.isinf(own.radius[0, 0])


def test_what_is_larger_than_measured_is_charged_in_the_dtype() -> None:
    """One term, or one unit of a softmax, more than were measured."""
    known = HalfOps(model("float16", softmax="float32", softmax__pulled="float32"))
    unknown = BallOps(Rounding.of("float16"))
    f = functions.named("softmax")

    def radii(ops: BallOps, terms: int, units: int) -> list[Values]:
        ones, z = ops.exact(np.ones((1, terms))), ops.exact(np.linspace(-1, 1, units)[None])
        a = Ball(f.value(z.value), np.zeros((1, units)))
        balls = [
            ops.matmul(ones, ones.T),
            ops.affine(ones, ones.T, ops.exact(np.ones(1))),
            *(ops.total(ones, axis) for axis in (None, 1)),
            ops.total(ones.T, 0),
            ops.activate(f, z),
            ops.vjp(f, z, a, z),
        ]
        return [ball.radius for ball in balls]

    for one, other in zip(
        *(radii(ops, MOST_TERMS + 1, MOST_UNITS + 1) for ops in (known, unknown)), strict=True
    ):
        assert np.array_equal(one, other)
    for one, other in zip(
        *(radii(ops, MOST_TERMS - 1, MOST_UNITS) for ops in (known, unknown)), strict=True
    ):
        assert (one < other).all()


def test_targets_between_0_and_1_were_not_measured() -> None:
    """Then a loss is charged in the dtype, whatever was declared of it."""
    name = {"binary_cross_entropy__rows": STEPS, "binary_cross_entropy__slope": "float32"}
    known, unknown = HalfOps(model("bfloat16", **name)), HalfOps(model("bfloat16"))
    head, f = losses.named("binary_cross_entropy"), functions.named("sigmoid")
    z = np.array([[0.5], [2.0]])
    for y, same in ((np.array([[0.0], [1.0]]), False), (np.array([[0.5], [1.0]]), True)):
        radii = [
            [
                ball.radius
                for ball in ops.loss_and_slope(head, held, ops.activate(f, held), ops.exact(y))
            ]
            for ops in (known, unknown)
            for held in (ops.exact(z),)
        ]
        for one, other in zip(*radii, strict=True):
            assert np.array_equal(one, other) == same


@pytest.mark.parametrize("underflow", ["gradual", "flushed"])
def test_underflow_takes_what_was_measured(underflow: str) -> None:
    own = Rounding.of("float16")
    ops = HalfOps(own.computing("arithmetic", "float16", underflow))
    tiny = np.array([[own.tiny / 2]])
    found = ops.multiply(ops.exact(tiny), ops.exact(np.array([[0.5]])))
    lost = own.tiny * (own.unit if underflow == "gradual" else 1)
    assert lost <= found.radius[0, 0] <= 3 * lost
