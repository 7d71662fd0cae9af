"""Kinks, with rounding errors as random: replicas keep to a side; what is open is covered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.random.spread import Spread, spreads
from backproof.mathematics.arithmetic.rounding.model import Rounding

FLOAT32 = Rounding.of("float32")
U = FLOAT32.unit
W = np.array([[1.0], [1.0]])
# Sums of two terms: one that cancels but for less than it rounds, one exact, one far from 0.
NEAR = np.array([[0.7, -0.7 + 1e-9], [0.0, 0.0], [0.7, 0.1], [-0.7, 0.7 - 1e-9], [-0.7, -0.1]])
G = np.full((5, 1), 3.0)
KINKED = (
    functions.named("relu"),
    functions.named("leaky_relu", alpha=0.3),
    functions.named("leaky_relu", alpha=-0.5),
    functions.named("elu", alpha=0.3),
    functions.named("selu"),
)


def layer(f: Any, rounding: Rounding, rows: np.ndarray = NEAR) -> dict[str, Spread]:
    """a = f(x·w), its cotangent taken back, and what that makes of the weights."""

    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        x = ops.exact(rows)
        z = ops.matmul(x, ops.exact(W))
        a = ops.activate(f, z)
        delta = ops.vjp(f, z, a, ops.exact(G))
        return {"z": z, "a": a, "delta": delta, "gradient": ops.matmul(ops.transpose(x), delta)}

    return spreads(evaluation, rounding, chance=1e-9)


@pytest.mark.parametrize("f", KINKED, ids=str)
def test_a_unit_within_rounding_of_its_kink_may_be_on_either_side(f: Any) -> None:
    found = layer(f, FLOAT32)
    one, other = (f.vjp(z, f.value(z), G[:1]) for z in (np.array([[1e-9]]), np.array([[-1e-9]])))
    jump = abs(float((one - other)[0, 0]))
    radius = found["delta"].radius[:, 0]
    assert radius[0] >= jump
    assert radius[3] >= jump
    # Exactly at the kink the definition's slope is that of all; far from it only one is in reach.
    assert (radius[[2, 4]] <= 1e-3 * jump).all()
    # The weights' gradient has what those two samples may add, and little more.
    assert (found["gradient"].radius >= 2 * 0.6 * jump).all()
    assert (found["gradient"].radius <= 2 * 0.8 * jump).all()


@pytest.mark.parametrize("f", KINKED, ids=str)
def test_on_the_same_branches_the_bound_is_narrow(f: Any) -> None:
    found = layer(f, FLOAT32.on_same_branches())
    assert all((each.radius <= 1e-4).all() for each in found.values())
    wide = layer(f, FLOAT32)
    for name, each in found.items():
        assert (each.sigma == wide[name].sigma).all(), name


def test_a_unit_below_its_kink_may_give_what_it_moves() -> None:
    """relu's output there is 0 in every replica, and above 0 in code that rounds upwards."""
    found = layer(functions.named("relu"), FLOAT32)
    assert found["a"].sigma[3, 0] == 0
    assert found["a"].radius[3, 0] > U
    assert found["a"].radius[4, 0] == 0
    assert found["a"].radius[1, 0] == 0


def test_a_unit_that_nothing_rounds_is_not_open() -> None:
    exact = np.array([[0.5, -0.5], [0.25, 0.5], [-0.25, 0.0]])

    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        z = ops.exact(exact[:, :1] + exact[:, 1:])
        return {"delta": ops.vjp(functions.named("relu"), z, z, ops.exact(G[:3]))}

    found = spreads(evaluation, FLOAT32, chance=1e-9)["delta"]
    assert (found.radius == 0).all()


def test_the_other_slope_at_an_exact_kink_is_covered_where_it_is_declared() -> None:
    leaky = functions.named("leaky_relu", alpha=0.3)
    at_kink = np.zeros((5, 2))
    assert layer(leaky, FLOAT32, at_kink)["delta"].radius.max() <= 1e-4
    declared = replace(FLOAT32, kinks=("leaky_relu",))
    assert layer(leaky, declared, at_kink)["delta"].radius.min() >= 0.7 * 3


def test_a_margin_within_rounding_of_the_kink_of_the_hinge_is_open() -> None:
    hinge = losses.named("hinge")
    y = np.array([[1.0], [-1.0], [1.0], [1.0]])
    inputs = np.array([[0.7, 0.3 + 1e-9], [-0.7, -0.3 + 1e-9], [0.7, 0.1], [2.0, 0.7]])

    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        a = ops.matmul(ops.exact(inputs), ops.exact(W))
        rows, slope = ops.loss_and_slope(hinge, a, a, ops.exact(y))
        return {"rows": rows, "slope": slope}

    found = spreads(evaluation, FLOAT32, chance=1e-9)
    assert (found["slope"].radius[:2] >= 1).all()
    assert (found["slope"].radius[2:] == 0).all()
    assert (found["rows"].radius[:3] > 0).all()
    assert found["rows"].radius[3, 0] == 0
    narrow = spreads(evaluation, FLOAT32.on_same_branches(), chance=1e-9)
    assert (narrow["slope"].radius == 0).all()


def test_an_open_unit_meets_what_rounding_makes_of_its_input() -> None:
    """An input that is nothing but a rounding error, by a cotangent that may be stopped or not."""
    tanh, relu = functions.named("tanh"), functions.named("relu")

    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        z = ops.matmul(ops.exact(NEAR[:1]), ops.exact(W))
        x = ops.activate(tanh, z)
        above = ops.matmul(x, ops.exact(-W[:1]))
        delta = ops.vjp(relu, above, ops.activate(relu, above), ops.exact(G[:1]))
        return {"x": x, "gradient": ops.matmul(ops.transpose(x), delta)}

    found = spreads(evaluation, FLOAT32, chance=1e-9)
    assert found["gradient"].sigma[0, 0] == 0  # stopped, in the definition
    assert found["gradient"].radius[0, 0] >= 3 * found["x"].radius[0, 0]


def test_both_sides_of_a_sign_are_covered() -> None:
    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        z = ops.matmul(ops.exact(NEAR), ops.exact(W))
        return {"sign": ops.sign(z), "size": ops.magnitude(z)}

    found = spreads(evaluation, FLOAT32, chance=1e-9)
    assert found["sign"].radius[:, 0].tolist() == [2.25, 0, 0, 2.25, 0]
    assert (found["size"].radius[[0, 2, 3, 4]] < 1e-4).all()
    assert found["size"].radius[1, 0] == 0
