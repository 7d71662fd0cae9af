"""Kinks: in doubt only where |z| ≤ 2r and r > 0; certified, a hull and never a branch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from flint import arb

from backproof import activations
from backproof.arithmetic.ball import Ball, BallOps
from backproof.arithmetic.certified import Certified, CertifiedOps, certify
from backproof.definition import evaluate
from backproof.network import Dense, Loss, Network, Penalty
from backproof.parameters import Batch
from backproof.rounding import Rounding
from tests.arithmetic.ball_networks import precision

RELU = activations.named("relu")
OPS = BallOps(Rounding.of("float64"))


def pulled(z: float, radius: float | None) -> tuple[float, float]:
    """Value and radius of a cotangent of 3 ± ¼ taken back through a relu at that ball."""
    ball = Ball(np.array([[z]]), None if radius is None else np.array([[radius]]))
    cotangent = Ball(np.array([[3.0]]), np.array([[0.25]]))
    result = OPS.pull(RELU, ball, OPS.activate(RELU, ball), cotangent)
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
