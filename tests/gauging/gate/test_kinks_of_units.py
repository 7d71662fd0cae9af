"""What slope each framework takes at the exact kink of an activation or of the hinge loss.

A unit with zero bias is shown a sample of zeros, so that z is exactly 0 in every implementation;
the loss is such that the gradient by its bias is the slope there. The definition declares one;
`Traits.kinks` names where a framework takes the other, and neither is a mismatch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, Workers, verify
from backproof.implementations.frameworks import traits
from backproof.mathematics import functions
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.workers import Shared

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805
# Activation, declared slope at 0, the other one.
KINKED: dict[str, tuple[Activation, float, float]] = {
    "leaky_relu": (functions.named("leaky_relu", alpha=0.25), 0.25, 1.0),
    "elu": (functions.named("elu", alpha=0.25), 0.25, 1.0),
    "selu": (functions.named("selu"), SCALE * ALPHA, SCALE),
    "relu": (functions.named("relu"), 0.0, 1.0),
    "relu6": (functions.named("relu6"), 0.0, 1.0),
}


@pytest.fixture(scope="module", params=slow_but(["torch"], ["keras", "torch", "jax"], 1))
def workers(request: pytest.FixtureRequest, shared: Shared) -> Workers:
    return shared(request.param)


def judged(pairing: Pairing, workers: Workers) -> Row:
    """The row of the one gradient that tells the slope."""
    pairing = replace(pairing, references=dict.fromkeys(workers.by_name))
    (found,) = verify([pairing], workers, TODAY, certified=False)
    assert isinstance(found, Judged)
    (row,) = (
        row
        for row in found.rows
        if row.point == "data" and row.step == 0 and row.name == "gradient/dense_1/bias"
    )
    return row


def at_zero(function: Activation, slope: float) -> Pairing:
    """A unit at z = 0 whose subject takes that slope there; ∂L/∂a is 1."""

    def subject(parameters: Parameters, batch: Batch) -> dict[str, object]:
        z = batch.inputs @ parameters["dense_1/kernel"] + parameters["dense_1/bias"]
        a = function.value(z)
        cotangent = 2 * (a - batch.targets) / len(z)
        delta = np.where(z == 0, slope * cotangent, function.vjp(z, a, cotangent))
        return {
            "gradient/dense_1/kernel": batch.inputs.T @ delta,
            "gradient/dense_1/bias": delta.sum(axis=0),
        }

    return Pairing(
        name="kink",
        network=Network((Dense(1, 1, function),), Loss("squared_error")),
        subject=subject,
        data=lambda: Batch(np.zeros((1, 1)), np.array([[-0.5]])),
        initial=lambda: {"dense_1/kernel": np.ones((1, 1)), "dense_1/bias": np.zeros(1)},
        optimizer=GradientDescent(0.1),
        steps=1,
        quantities=("gradient",),
    )


@pytest.mark.parametrize("name", KINKED)
def test_a_framework_takes_the_declared_slope_or_says_which(name: str, workers: Workers) -> None:
    function, declared, other = KINKED[name]
    (reference,) = workers.by_name
    row = judged(at_zero(function, declared), workers)
    assert row.status in (Status.MATCH, Status.UNDECIDED), row.cause
    assert row.max_abs_diff is not None
    differs = name in traits(reference).kinks
    # Two slopes below 2 that were rounded, and their difference on either side: four roundings.
    rounded = 4 * np.finfo(float).eps
    assert row.max_abs_diff == pytest.approx(abs(other - declared) * differs, rel=0, abs=rounded)
    # One whose choice is open is no witness; the others are.
    assert (row.status is Status.MATCH) == (not differs)


@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize("name", KINKED)
def test_a_subject_may_take_the_other_slope_or_the_mean_of_both(
    name: str, share: float, workers: Workers
) -> None:
    """Each is a subgradient, and what automatic differentiation takes of one form or another."""
    function, declared, other = KINKED[name]
    row = judged(at_zero(function, declared + share * (other - declared)), workers)
    (reference,) = workers.by_name
    if share == 1 or name not in traits(reference).kinks:
        assert row.status is Status.MATCH, row.cause
        assert "another subgradient" in row.detail
    else:  # its own choice is open
        assert row.status in (Status.MATCH, Status.UNDECIDED), row.cause


@pytest.mark.usefixtures("unexplained")
@pytest.mark.parametrize("name", slow_but(["leaky_relu", "relu"], KINKED, 0.4))
def test_what_is_no_subgradient_is_a_mismatch(name: str, workers: Workers) -> None:
    function, declared, other = KINKED[name]
    assert judged(at_zero(function, 2 * declared + 2 * other), workers).status is Status.MISMATCH
    assert judged(at_zero(function, -1.0), workers).status is Status.MISMATCH


def test_the_hinge_at_a_margin_of_zero(workers: Workers) -> None:
    """The output is 1 and the target too; TensorFlow and PyTorch pass the slope −1, JAX has 0."""
    pairing = replace(
        at_zero(functions.named("linear"), 0.0),
        network=Network((Dense(1, 1),), Loss("hinge")),
        data=lambda: Batch(np.ones((1, 1)), np.ones((1, 1))),
    )
    row = judged(pairing, workers)
    (reference,) = workers.by_name
    assert row.max_abs_diff == ("hinge" in traits(reference).kinks)
    assert row.status in (Status.MATCH, Status.UNDECIDED), row.cause
