"""Contractions, and what moves or joins elements along any axes: as NumPy has them, in each
arithmetic; and sums in any order within their bounds."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps, certify
from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.parameters import Array
from tests.mathematics.arithmetic.adversary import HABITS, ORDERS, Adversary

SIZES = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 3}
SUBSCRIPTS = (
    "ab,bc->ac",
    "ab,cb->ac",
    "ba,bc->ca",
    "abc,dc->abd",  # rows of more axes
    "abc,abd->cd",  # a sum over two axes
    "acbd,aebd->abce",  # carried and summed axes
    "abc,acd->abd",
    "abc,abc->ab",  # an inner product for each
    "a,b->ab",
    "ab,ab->ab",  # no sum at all
    "abcd,eb->aecd",
)
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def drawn(axes: str, dtype: str, seed: int) -> Array:
    stream = np.random.default_rng(seed)
    return np.asarray(stream.normal(size=[SIZES[axis] for axis in axes]).astype(dtype))


def operands(subscripts: str, dtype: str) -> tuple[Array, Array]:
    left, right = subscripts.partition("->")[0].split(",")
    return drawn(left, dtype, 0), drawn(right, dtype, 1)


def whole(x: Array) -> Array:
    """Small whole numbers, of which every sum and product is exact."""
    return np.round(4 * x)


def values(found: Any) -> Array:
    """What any arithmetic has found, as float64."""
    if isinstance(found, Ball):
        return found.value
    if isinstance(found, np.ndarray):
        return found
    return np.reshape([float(x) for x in found.entries], found.shape)


def everywhere(make: Callable[[Any], Any], expected: Array) -> None:
    """All arithmetics, of whole numbers: the values that NumPy has, in its shape."""
    for ops in (Float(), BallOps(Rounding.of("float64")), CertifiedOps()):
        found = values(make(ops))
        assert found.shape == expected.shape, ops
        assert np.array_equal(found, expected), ops


@pytest.mark.parametrize("subscripts", SUBSCRIPTS)
def test_a_contraction_is_the_einsum(subscripts: str) -> None:
    a, b = map(whole, operands(subscripts, "float64"))
    everywhere(
        lambda ops: contract(ops, subscripts, ops.exact(a), ops.exact(b)),
        np.einsum(subscripts, a, b),
    )


@DTYPES
@pytest.mark.parametrize("subscripts", SUBSCRIPTS)
def test_what_einsum_computes_is_within_the_bounds(subscripts: str, dtype: str) -> None:
    a, b = operands(subscripts, dtype)

    def make(ops: Any) -> dict[str, Any]:
        return {"": contract(ops, subscripts, ops.exact(a), ops.exact(b))}

    rounding = Rounding.of(dtype)
    truth, ball = certify(make, rounding.unit)[""], make(BallOps(rounding))[""]
    for computed in (np.einsum(subscripts, a, b), make(Float())[""], ball.value):
        assert (truth.error(computed.astype(float)) <= ball.radius).all()


def escapes(further: int, counted: int) -> int:
    """How many elements leave the bounds of a contraction in whose sums so many more terms are."""
    subscripts, rounding = "abc,dc->abd", Rounding.of("float32")
    a, b = map(np.abs, operands(subscripts, "float32"))
    ops, also = BallOps(rounding), [arb(2) ** -40] * further
    ball = contract(ops, subscripts, ops.exact(a), ops.exact(b), counted)
    outside = 0
    for order in ORDERS:
        machine = Adversary(rounding, Random(0))
        machine.order, machine.push, machine.fuses = order, HABITS["outward"], False
        for i, j, k in np.ndindex(ball.shape):
            left, right = (list(map(arb, x.tolist())) for x in (a[i, j], b[k]))
            exact = sum(map(arb.__mul__, left, right), sum(also, arb(0)))
            off = machine.dot(left, right, also) - exact
            outside += not abs(off) <= arb(float(ball.radius[i, j, k]))
    return outside


def test_any_order_of_its_sums_is_within_the_bounds() -> None:
    assert escapes(0, 0) == 0
    assert escapes(6, 6) == 0


def test_terms_beside_them_that_are_not_counted_are_noticed() -> None:
    assert escapes(6, 0) > 0


@pytest.mark.parametrize(
    "subscripts",
    [
        "ab,bc",  # no result
        "ab->ab",  # one operand
        "ab,bc,cd->ad",  # three
        "ab,bc->ad",  # an axis from nowhere
        "ab,cd->ad",  # a sum over one operand's own axis
        "aab,bc->ac",  # an axis twice
        "ab,bc->aac",
        "",
    ],
)
def test_subscripts_that_are_no_such_sum_are_refused(subscripts: str) -> None:
    a = np.ones((2, 2))
    with pytest.raises(UsageError) as refused:
        contract(Float(), subscripts, a, a)
    assert f"contract({subscripts!r}): write 'ab,bc->ac'" in str(refused.value)


def test_operands_that_do_not_fit_are_refused() -> None:
    for a, b, said in (
        (np.ones((2, 3, 4)), np.ones((3, 2)), "'ab' names an array of shape (2, 3, 4)"),
        (np.ones((2, 3)), np.ones((4, 2)), "'b' is 3 long in one operand and 4 in the other"),
    ):
        with pytest.raises(UsageError) as refused:
            contract(Float(), "ab,bc->ac", a, b)
        assert said in str(refused.value)


@pytest.mark.parametrize("axes", [None, (0, 1, 2), (2, 0, 1), (0, 2, 1), (1, 0, 2)])
def test_a_transpose_is_numpys(axes: tuple[int, ...] | None) -> None:
    x = whole(drawn("abc", "float64", 0))
    everywhere(lambda ops: ops.transpose(ops.exact(x), axes), x.transpose(axes))


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1, (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_a_total_over_any_axes_is_numpys(axis: Any) -> None:
    x = whole(drawn("abc", "float64", 0))
    everywhere(lambda ops: ops.total(ops.exact(x), axis), np.asarray(x.sum(axis=axis)))


@DTYPES
@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
def test_a_total_is_within_its_bounds(axis: Any, dtype: str) -> None:
    x, rounding = drawn("abc", dtype, 0), Rounding.of(dtype)
    truth = certify(lambda ops: {"": ops.total(ops.exact(x), axis)}, rounding.unit)[""]
    ball = BallOps(rounding).total(BallOps(rounding).exact(x), axis)
    for turned in (x, np.flip(x, axis), np.asfortranarray(x)):
        computed = np.asarray(turned.sum(axis=axis)).astype(float)
        assert (truth.error(computed) <= ball.radius).all()


@pytest.mark.parametrize("axes", ["b", "ab", "abc"])
def test_what_is_concatenated_stands_side_by_side(axes: str) -> None:
    parts = [whole(drawn(axes[:-1] + last, "float64", i)) for i, last in enumerate("bcd")]
    everywhere(
        lambda ops: ops.concatenated([ops.exact(part) for part in parts]),
        np.concatenate(parts, axis=-1),
    )


def test_what_is_exact_stays_so_beside_what_is_not() -> None:
    ops = BallOps(Rounding.of("float64"))
    exact, rounded = ops.exact(np.ones((1, 2))), ops.charged(ops.exact(np.ones((1, 3))), 1)
    assert ops.concatenated([exact, exact]).radius is None
    radius = ops.concatenated([exact, rounded]).radius
    assert radius is not None
    assert (radius[:, :2] == 0).all()
    assert (radius[:, 2:] > 0).all()


INDEX = np.array([[0, 5, 5], [2, 0, 5]])


def test_a_scatter_adds_up_what_a_gather_took() -> None:
    x = whole(drawn("ab", "float64", 0))
    expected = np.zeros(6)
    np.add.at(expected, INDEX, x)
    everywhere(lambda ops: ops.scatter(ops.exact(x), INDEX, (2, 3)), expected.reshape(2, 3))


def scattered(counted: int) -> int:
    """How many orders leave the bounds of sums of three, of which so many additions are charged."""
    rounding = Rounding.of("float32")
    ops, x = BallOps(rounding), np.abs(drawn("ab", "float32", 0))
    terms = ops.as_summand(ops.exact(x), counted) if counted else ops.exact(x)
    radius = ops.scatter(terms, INDEX, (6,)).radius
    assert radius is not None
    outside = 0
    for order in ORDERS:
        machine = Adversary(rounding, Random(0))
        machine.order, machine.push = order, HABITS["outward"]
        for place in range(6):
            found = [arb(v) for v in x[place == INDEX].tolist()]
            off = machine.total(found) - sum(found, arb(0))
            outside += not abs(off) <= arb(float(radius[place]))
    return outside


def test_a_scatter_in_any_order_is_within_what_was_charged() -> None:
    assert scattered(2) == 0
    assert scattered(0) > 0
