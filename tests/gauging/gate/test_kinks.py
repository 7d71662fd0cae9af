"""At an exact kink implementations choose their subgradient, and each choice is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, verify
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from tests.gauging.gate.conftest import TODAY
from tests.workers import Shared

L1 = 0.25


def subject(parameters: Parameters, batch: Batch, slope_at_zero: float = 0.0) -> dict[str, object]:
    """A linear unit with an L1 penalty, its slope at a weight of 0 being a choice."""
    w = parameters["dense_1/kernel"]
    error = batch.inputs @ w - batch.targets
    slope = np.where(w == 0, slope_at_zero, np.sign(w))
    return {
        "loss": np.sum(error * error) + L1 * np.sum(np.abs(w)),
        "gradient/dense_1/kernel": 2 * batch.inputs.T @ error + L1 * slope,
    }


PAIRING = Pairing(
    name="lasso",
    network=Network((Dense(3, 1, bias=False),), Loss("squared_error", batch="sum"), Penalty(l1=L1)),
    subject=subject,
    data=lambda: Batch(np.eye(3), np.array([[1.0], [2.0], [3.0]])),
    initial=lambda: {"dense_1/kernel": np.array([[0.5], [0.0], [-1.5]])},
    optimizer=GradientDescent(0.1),
    steps=1,
    quantities=("loss", "gradient"),
)


def rows_against(reference: str, slope_at_zero: float, shared: Shared) -> list[Row]:
    pairing = replace(
        PAIRING,
        subject=lambda parameters, batch: subject(parameters, batch, slope_at_zero),
        references={reference: None},
    )
    (judged,) = verify([pairing], shared(reference), TODAY, certified=False)
    assert isinstance(judged, Judged)
    return [row for row in judged.rows if row.point == "data"]


@pytest.mark.parametrize("reference", ["jax", "keras", "torch"])
def test_a_weight_of_exactly_zero_is_no_false_alarm(reference: str, shared: Shared) -> None:
    """The gradient of abs at 0 is 0, as in the definition; in JAX's twin, not in JAX's own abs."""
    assert {row.status for row in rows_against(reference, 0.0, shared)} == {Status.MATCH}


@pytest.mark.parametrize("choice", [1.0, -1.0])
@pytest.mark.parametrize("reference", ["jax", "keras", "torch"])
def test_a_subject_may_choose_otherwise(reference: str, choice: float, shared: Shared) -> None:
    assert {row.status for row in rows_against(reference, choice, shared)} == {Status.MATCH}


@pytest.mark.parametrize("reference", ["jax", "keras", "torch"])
def test_what_is_no_subgradient_is_a_mismatch(reference: str, shared: Shared) -> None:
    rows = rows_against(reference, 2.0, shared)
    (gradient,) = (row for row in rows if row.quantity == "gradient")
    assert gradient.status is Status.MISMATCH
