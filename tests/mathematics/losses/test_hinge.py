"""The hinge loss: its targets, and the sign of the output as its class."""

from __future__ import annotations

import numpy as np
import pytest

from backproof import Dense, Loss, Network
from backproof.mathematics import losses
from backproof.mathematics.definition.measure import correct, undecided
from backproof.mathematics.probes.drawn import drawn_batch

HINGE = losses.named("hinge")
NETWORK = Network((Dense(2, 2),), Loss("hinge"))


def test_targets_are_one_or_minus_one() -> None:
    assert HINGE.check_targets(np.array([[1.0, -1.0]])) is None
    for wrong in (0.0, 0.5, 2.0):
        found = HINGE.check_targets(np.array([[1.0, wrong]]))
        assert found == f"target {wrong} is neither −1 nor 1"


@pytest.mark.parametrize("decision", [None, "sign", "argmax"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_drawn_targets_fit(decision: str | None, outputs: int) -> None:
    network = Network((Dense(2, outputs),), Loss("hinge"), decision=decision)  # type: ignore[arg-type]
    targets = drawn_batch(network, np.random.default_rng(0)).targets
    assert HINGE.check_targets(targets) is None
    assert {-1.0, 1.0} == set(targets.ravel().tolist())


def test_the_class_is_the_sign() -> None:
    assert NETWORK.decision == "sign"
    outputs = np.array([[0.2, -3.0], [0.2, 0.3], [1e-9, -1.0]])
    targets = np.array([[1.0, -1.0]] * 3)
    assert correct(NETWORK, outputs, targets).tolist() == [True, False, True]
    radius = np.full((3, 2), 1e-8)
    assert undecided(NETWORK, outputs, radius).tolist() == [False, False, True]


def test_value_and_derivative() -> None:
    """Beyond the margin nothing, at it nothing more, below it what is missing."""
    a, y = np.array([[2.0, 1.0, 0.5, -3.0]]), np.array([[1.0, 1.0, 1.0, 1.0]])
    rows, slope = HINGE.value(a, a, y)
    assert rows.tolist() == [[0, 0, 0.5, 4]]
    assert slope.tolist() == [[0, 0, -1, -1]]
    rows, slope = HINGE.value(a, a, -y)
    assert rows.tolist() == [[3, 2, 1.5, 0]]
    assert slope.tolist() == [[1, 1, 1, 0]]
