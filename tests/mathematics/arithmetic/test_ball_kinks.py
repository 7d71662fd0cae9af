"""Kinks: in doubt only where |z| ≤ 2r and r > 0; certified, a hull and never a branch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from flint import arb

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps, certify
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.penalty import Penalty
from tests.mathematics.arithmetic.ball_networks import precision

RELU = functions.named("relu")
OPS = BallOps(Rounding.of("float64"))


def pulled(z: float, radius: float | None) -> tuple[float, float]:
    """Value and radius of a cotangent of 3 ± ¼ taken back through a relu at that ball."""
    ball = Ball(np.array([[z]]), None if radius is None else np.array([[radius]]))
    cotangent = Ball(np.array([[3.0]]), np.array([[0.25]]))
    result = OPS.vjp(RELU, ball, OPS.activate(RELU, ball), cotangent)
    return float(result.value[0, 0]), float(result.radius[0, 0])


@pytest.mark.parametrize("radius", [None, 0.0])
def test_an_exact_zero_is_not_in_doubt_and_its_slope_is_zero(radius):
    assert pulled(0.0, radius) == (0, 0)


@pytest.mark.parametrize("z", [0.0, 2e-9, -2e-9, 1e-9, -1e-9])
def test_within_two_radii_of_a_kink_both_sides_are_covered(z):
    """An implementation may give anything from 0 to 3.5, and the exact result may be 0 or 3 ± ¼."""
    value, radius = pulled(z, 1e-9)
    assert value - radius <= 0
    assert radius >= 3.5


@pytest.mark.parametrize(("z", "expected"), [(2.0000001e-9, (3, 0.25)), (-2.0000001e-9, (0, 0))])
def test_beyond_two_radii_the_side_is_settled(z, expected):
    assert pulled(z, 1e-9) == expected


def test_a_radius_that_is_not_a_number_settles_nothing():
    for z in (1.0, -1.0, 0.0):
        assert not pulled(z, np.nan)[1] < 3
        assert not pulled(z, np.inf)[1] < 3


def test_the_output_of_a_surely_negative_unit_is_exactly_zero():
    z = Ball(np.array([[-2e-9, -1.9e-9, 1e-9]]), np.full((1, 3), 1e-9))
    assert OPS.activate(RELU, z).radius.tolist() == [[0, 1e-9, 1e-9]]


def test_the_sign_of_a_parameter_is_in_doubt_only_where_it_may_be_flushed():
    tiny = np.array([0.0, 1e-310, -1e-310, 1.0, -2.0])
    assert OPS.sign(OPS.exact(tiny)).radius.tolist() == [0, 2, 2, 0, 0]
    assert OPS.sign(OPS.exact(np.array([0.0, 1.0]))).radius is None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_zero_row_with_zero_biases_leaves_no_doubt_in_a_network(dtype):
    """Its pre-activations are exactly 0 in every implementation; its slope is the declared 0."""
    network = Network((Dense(2, 3, "relu"), Dense(3, 1, "sigmoid")), Loss("binary_cross_entropy"))
    stream = np.random.default_rng(0)
    inputs = np.array([[0.0, 0.0], [1.0, 2.0]], dtype)
    parameters = {
        "dense_1/kernel": stream.normal(size=(2, 3)).astype(dtype),
        "dense_1/bias": np.zeros(3, dtype),
        "dense_2/kernel": stream.normal(size=(3, 1)).astype(dtype),
        "dense_2/bias": np.zeros(1, dtype),
    }
    seen = {}

    def keep(name, value, scope):
        seen[name] = value
        return value

    evaluate(
        BallOps(Rounding.of(dtype)),
        network,
        parameters,
        Batch(inputs, np.array([[1.0], [0.0]], dtype)),
        keep,
    )
    for name in ("z/dense_1", "activation/dense_1", "delta/dense_1"):
        assert not seen[name].radius[0].any()
        assert not seen[name].value[0].any()
    assert seen["delta/dense_1"].radius[1].max() < 1e-5


def relu_at(big: float, small: float) -> Callable[[CertifiedOps], dict[str, Certified]]:
    """A unit with the pre-activation (big + small) − big; the slope of its loss there is a + 1."""
    network = Network((Dense(2, 1, "relu"),), Loss("squared_error", scale=0.5))
    parameters = {"dense_1/kernel": np.ones((2, 1)), "dense_1/bias": np.array([-big])}
    batch = Batch(np.array([[big, small]]), np.array([[-1.0]]))
    return lambda ops: evaluate(ops, network, parameters, batch)


def test_certified_at_an_undecided_kink_returns_the_hull():
    """At 53 bits the sign of (2⁸⁰ + 1) − 2⁸⁰ is open: both are inside, 0 and (1 + 1)·1."""
    with precision(53):
        gradient = relu_at(2.0**80, 1.0)(CertifiedOps())["gradient/dense_1/bias"].entries[0]
    assert gradient.contains(0)
    assert gradient.contains(2)


@pytest.mark.parametrize(("small", "slope"), [(1.0, 2.0), (-1.0, 0.0), (0.0, 0.0)])
def test_more_bits_settle_a_kink(small, slope):
    found = certify(relu_at(2.0**80, small), 2.0**-53, bits=53)["gradient/dense_1/bias"]
    assert found.high[0] == slope
    assert found.radius[0] < 1e-15


def test_what_no_bits_settle_is_returned_with_the_radius_of_the_hull():
    """(2¹⁰²³ + 2⁻¹⁰⁷⁴) − 2¹⁰²³ takes 2098 bits, more than are tried: the hull of 0 and 1."""
    found = certify(relu_at(2.0**1023, 2.0**-1074), 2.0**-53)["gradient/dense_1/bias"]
    assert abs(found.high[0] - 0) <= found.radius[0]
    assert abs(found.high[0] - 1) <= found.radius[0]


@pytest.mark.parametrize("l1", [0.5, 0.0])
def test_the_certified_sign_of_an_open_number_is_a_hull(l1):
    ops = CertifiedOps()
    open_number = Certified([arb(0, 1), arb(0), arb(-2, 1)], (3,))
    signs = ops.sign(open_number).entries
    assert signs[0].contains(1)
    assert signs[0].contains(-1)
    assert [float(signs[1]), float(signs[2])] == [0, -1]
    network = Network((Dense(1, 1),), Loss("squared_error"), Penalty(l1=l1))
    batch = Batch(np.array([[0.0]]), np.array([[0.0]]))
    parameters = {"dense_1/kernel": np.array([[0.0]]), "dense_1/bias": np.array([0.0])}
    assert evaluate(ops, network, parameters, batch)["gradient/dense_1/kernel"].entries[0] == 0


LEAKY = functions.named("leaky_relu", alpha=0.25)
BENT = functions.named("elu", alpha=0.25)
SELU = functions.named("selu")


def slope(f: Activation, z: float, radius: float | None, kinks: tuple[str, ...] = ()) -> Ball:
    """What is left of a cotangent of exactly 1."""
    ops = BallOps(replace(Rounding.of("float64"), kinks=kinks))
    ball = Ball(np.array([[z]]), None if radius is None else np.array([[radius]]))
    return ops.vjp(f, ball, ops.activate(f, ball), Ball(np.ones((1, 1)), None))


@pytest.mark.parametrize(
    ("f", "declared", "other"),
    [(LEAKY, 0.25, 1.0), (BENT, 0.25, 1.0), (SELU, 1.7580993408473766, 1.0507009873554805)],
    ids=lambda f: getattr(f, "name", ""),
)
@pytest.mark.parametrize("radius", [None, 0.0])
def test_the_slope_at_an_exact_zero_is_the_declared_one(f, declared, other, radius):
    """Unless the implementation is known to take the other: then both are covered."""
    known = slope(f, 0.0, radius)
    assert abs(known.value[0, 0] - declared) <= known.radius[0, 0] < 1e-14
    named = slope(f, 0.0, radius, (f.name,))
    assert named.value[0, 0] == known.value[0, 0]
    assert abs(other - named.value[0, 0]) <= named.radius[0, 0] < 1.01 * abs(other - declared)
    open_ball = slope(f, 1e-12, 1e-12)
    assert abs(declared - open_ball.value[0, 0]) <= open_ball.radius[0, 0]


def test_what_rounds_to_the_kink_may_take_the_other_slope():
    """exp(z) − 1 is 0 in float64 for z = −10⁻¹⁷, and TensorFlow's SELU then has its right slope."""
    near = slope(SELU, -1e-17, None)
    assert abs(near.value[0, 0] - 1.0507009873554805) <= near.radius[0, 0]
    far = slope(SELU, -1e-12, None)
    assert far.radius[0, 0] < 1e-13


def test_a_radius_that_is_not_a_number_settles_no_other_kink():
    for f in (LEAKY, BENT, SELU):
        for z in (1.0, -1.0, 0.0):
            for radius in (np.nan, np.inf):
                assert not slope(f, z, radius).radius[0, 0] < 0.7


@pytest.mark.parametrize(
    ("f", "right", "left"),
    [
        (LEAKY, arb(1), arb(0.25)),
        (BENT, arb(1), arb(0.25)),
        (SELU, arb(1.0507009873554805, 1e-15), arb(1.7580993408473766, 1e-15)),
    ],
    ids=lambda f: getattr(f, "name", ""),
)
def test_certified_at_other_undecided_kinks_returns_the_hull(f, right, left):
    """For a z of ±0.001: what is right for 0.0009, for 0 and for −10⁻⁹ is inside."""
    z, one = Certified([arb(0, 1e-3)], (1, 1)), Certified([arb(1)], (1, 1))
    (value,) = f.certified(z).entries
    (pulled,) = f.vjp_certified(z, f.certified(z), one).entries
    for inside in (right * 0.0009, arb(0), left * (1 - 1e-9) * -1e-9):
        assert value.overlaps(inside)
    assert abs(value) < 0.003
    for inside in (right, left, left * (1 - 1e-9)):
        assert pulled.overlaps(inside)


HINGE = losses.named("hinge")


@pytest.mark.parametrize(
    ("a", "radius", "kinks", "covered"),
    [
        (1.0, 0.0, (), (0,)),
        (1.0, 0.0, ("hinge",), (0, -1)),
        (1.0, 1e-9, (), (0, -1)),
        (1 + 1e-9, 1e-9, (), (0, -1)),
        (1 + 3e-9, 1e-9, (), (0,)),
        (1 - 3e-9, 1e-9, (), (-1,)),
    ],
)
def test_a_margin_within_two_radii_of_zero_covers_both_slopes(a, radius, kinks, covered):
    rounding = replace(Rounding.of("float64"), kinks=kinks)
    output = Ball(np.array([[a]]), np.array([[radius]]))
    _, found = HINGE.ball(output, output, Ball(np.ones((1, 1)), None), rounding)
    inside = [s for s in (0, -1) if abs(s - found.value[0, 0]) <= found.radius[0, 0]]
    assert inside == list(covered)


def test_the_certified_hinge_at_an_open_margin_is_a_hull():
    a = Certified([arb(1, 1e-3), arb(1), arb(-3)], (1, 3))
    y = Certified([arb(1), arb(-1), arb(1)], (1, 3))
    rows, slopes = HINGE.certified(a, a, y)
    assert slopes.entries[0].contains(0)
    assert slopes.entries[0].contains(-1)
    assert [float(x) for x in slopes.entries[1:]] == [1, -1]
    assert [float(x) for x in rows.entries[1:]] == [2, 4]
