"""Pooling: held against loops as people write them; ties and what is nearly one; bad input."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from flint import arb

from backproof import (
    AveragePool1D,
    AveragePool2D,
    GlobalAveragePool,
    GlobalMaxPool,
    Loss,
    MaxPool1D,
    MaxPool2D,
    Network,
    UsageError,
)
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.random.spread import spreads
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions.largest import Largest
from tests.mathematics.layers.around import Alone, Case, point

LAYERS = [
    Case(MaxPool2D(2), ((4, 6, 2),)),
    Case(MaxPool2D((3, 2), (2, 1), "same"), ((5, 4, 1),)),
    Case(MaxPool2D(3, 2, ((1, 2), (0, 1)), zeros=True), ((5, 5, 2),)),
    Case(MaxPool1D(3, 2, 1), ((7, 3),)),
    Case(AveragePool2D((2, 3), 2, "same"), ((5, 4, 2),)),
    Case(AveragePool2D(3, 1, ((1, 0), (2, 1)), zeros=True), ((4, 3, 1),)),
    Case(AveragePool1D(2, 3, "same_torch"), ((7, 2),)),
    Case(GlobalMaxPool(), ((3, 4, 2),)),
    Case(GlobalAveragePool(), ((5, 2),)),
]


def looped(layer: Any, x: Any, upstream: Any) -> dict[str, Any]:
    """Forwards and backwards, a window after the other: ``dx[window] += …``."""
    windows = layer.windows(x.shape[1:])
    of_maximum = hasattr(layer, "ties")
    filler = 0.0 if not of_maximum or layer.with_zeros() else -np.inf
    padded = np.pad(x, ((0, 0), *windows.padding, (0, 0)), constant_values=filler)
    there = np.pad(np.ones_like(x), ((0, 0), *windows.padding, (0, 0)))
    if layer.with_zeros():
        there[...] = 1
    out, back = np.zeros((len(x), *windows.outputs, x.shape[-1])), np.zeros_like(padded)
    upstream = upstream.reshape(out.shape)
    for n, c in product(range(len(x)), range(x.shape[-1])):
        for at in np.ndindex(windows.outputs):
            places = (
                slice(q * s, q * s + k) for q, s, k in zip(at, windows.stride, windows.kernel)
            )
            window = (n, *places, c)
            if of_maximum:
                out[(n, *at, c)] = padded[window].max()
                first = np.unravel_index(padded[window].argmax(), windows.kernel)
                back[window][first] += upstream[(n, *at, c)]
            else:
                count = there[window].sum()
                out[(n, *at, c)] = padded[window].sum() / count
                back[window] += upstream[(n, *at, c)] / count
    sides = zip(windows.padding, x.shape[1:-1])
    inner = tuple(slice(before, before + length) for (before, _), length in sides)
    return {"out": out, "input 0": back[(slice(None), *inner)]}


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_it_is_what_loops_give(case: Case) -> None:
    at = point(case)
    found = Alone(Float(), case.layer, at).all()
    for name, wanted in looped(case.layer, at.inputs[0], at.arriving).items():
        wanted = wanted.reshape(found[name].shape)
        np.testing.assert_allclose(found[name], wanted, rtol=1e-13, err_msg=name)


@pytest.mark.parametrize(
    ("ties", "shares"),
    [("first", [0, 1, 0]), ("last", [0, 0, 1]), ("shared", [0, 0.5, 0.5]), ("all", [0, 1, 1])],
)
def test_exact_ties_get_what_is_declared_in_every_arithmetic(ties: Any, shares: Any) -> None:
    f, row, g = Largest(ties), np.array([[1.0, 2.0, 2.0]]), np.full((1, 3), 3.0)
    np.testing.assert_array_equal(f.vjp(row, row, g), 3 * np.array([shares]))
    balls = BallOps(Rounding.of("float64"))
    pulled = balls.vjp(f, balls.exact(row), balls.exact(row), balls.exact(g))
    np.testing.assert_array_equal(pulled.value, 3 * np.array([shares]))
    assert (pulled.radius <= 1e-15).all()
    certified = CertifiedOps()
    back = certified.vjp(f, certified.exact(row), certified.exact(row), certified.exact(g))
    assert back.entries == [arb(3) * share for share in shares]


def test_what_may_be_the_largest_is_in_doubt_and_nothing_else() -> None:
    """The first two lie within each other's reach: either may get the cotangent, or its share."""
    rounding, f = Rounding.of("float64"), Largest()
    z = Ball(np.array([[1.0, 1.0 + 1e-9, 0.5]]), np.full((1, 3), 1e-9))
    g = Ball(np.full((1, 3), 4.0), None)
    pulled = f.vjp_ball(z, f.ball(z, rounding), g, rounding)
    assert pulled.radius is not None
    np.testing.assert_allclose(pulled.radius, [[4, 4, 0]])
    apart = Ball(z.value, np.full((1, 3), 1e-10))
    settled = f.vjp_ball(apart, f.ball(apart, rounding), g, rounding)
    assert settled.radius is not None
    assert not settled.radius.any()
    hull = CertifiedOps().vjp(
        f,
        Certified([arb(1, 1e-9), arb(1, 1e-9), arb(0.5)], (1, 3)),
        Certified([arb(1)] * 3, (1, 3)),
        Certified([arb(4)] * 3, (1, 3)),
    )
    assert [x.contains(0) and x.contains(4) for x in hull.entries[:2]] == [True, True]
    assert hull.entries[2].is_zero()


def test_the_largest_may_be_any_that_reaches_so_far() -> None:
    """Its radius is that of the widest that may be it, not of the one that is."""
    z = Ball(np.array([[1.0, 0.99, -5.0]]), np.array([[1e-9, 1e-2, 1.0]]))
    found = Largest().ball(z, Rounding.of("float64"))
    assert found.radius is not None
    np.testing.assert_array_equal(found.radius, np.full((1, 3), 1e-2))


@pytest.mark.parametrize("gap", [0.0, 2.0**-52, 2.0**-20])
def test_random_errors_know_both_sides_of_a_near_tie(gap: float) -> None:
    """Of x·1/3 and x·1/3 + gap the larger one: within rounding, either may get the cotangent."""
    f = Largest()

    def evaluation(ops: Any, intervene: Any) -> Any:
        x = ops.exact(np.array([[1.0, 1.0 + gap, 0.5]]))
        z = ops.multiply(x, ops.exact(np.full((1, 3), 1 / 3)))
        a = ops.activate(f, z)
        return {"a": a, "back": ops.vjp(f, z, a, ops.exact(np.full((1, 3), 4.0)))}

    found = spreads(evaluation, Rounding.of("float64"), chance=1e-12)
    assert np.isfinite(found["a"].radius).all()
    assert (found["a"].radius < 1e-14).all()
    either = found["back"].radius[0, :2] >= 4
    assert either.all() == (gap < 2.0**-30)
    assert found["back"].radius[0, 2] == 0


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: MaxPool2D(0), "MaxPool2D(kernel=0): give a whole number of at least 1"),
        (lambda: MaxPool2D(2, ties="both"), "choose 'first', 'last', 'shared', 'all'"),
        (lambda: GlobalMaxPool("none"), "choose 'first', 'last', 'shared', 'all'"),
        (lambda: AveragePool1D(2, zeros="yes"), "give True or False"),
        (lambda: AveragePool1D(2, (1, 2)), "AveragePool1D(stride=(1, 2)): give a whole number"),
    ],
)
def test_wrong_fields_are_told(make: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        make()
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("layer", "shape", "told"),
    [
        (MaxPool2D(3), (2, 5, 1), "at least 3 along axis 0"),
        (MaxPool2D(2), (8, 3), "max_pool2d takes one input (height, width, channels), but gets"),
        (AveragePool2D(2, padding=2), (8, 8, 1), "2 zeros on a side of an axis of 8"),
        (GlobalAveragePool(), (8,), "of at least two axes, but gets (8,)"),
    ],
)
def test_inputs_that_do_not_fit_are_told(layer: Any, shape: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        Network((layer,), Loss("squared_error"), inputs=shape)
    assert told in str(error.value)
