"""The inner product: elements cancel in its sum, but not what code rounds of each of them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from flint import arb

from backproof import Dense, Loss, Network
from backproof.mathematics import losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import reduced
from backproof.mathematics.definition.sums import sums_of
from backproof.mathematics.losses import inner_product
from tests.mathematics.arithmetic.adversary import Adversary
from tests.mathematics.arithmetic.ball_sums import applied, coefficient

NETWORKS = [
    Network((Dense(1, 3, bias=False),), Loss("inner_product", batch, outputs, scale))
    for batch in ("mean", "sum")
    for outputs in ("mean", "sum")
    for scale in (1.0, 0.7)
]


WIDE = np.array([[1.0, -1.0, 0.5], [1.5, -1.5, -0.5], [3.0, 1.0, -4.0]])
FEW = np.array([[1.1, -1.1, 0.0]])


def share(network: Network, a: np.ndarray) -> float:
    """Of the bound of a loss that cancels, by code that applies its coefficient to each element."""
    rounding, loss, worst = Rounding.of("float32"), losses.named("inner_product"), 0.0
    ops, y = BallOps(rounding), np.full(a.shape, 1.25)
    ball = Ball(a, None)
    rows, _ = loss.ball(ball, ball, Ball(y, None), rounding)
    result = reduced(ops, ops.total(rows), network, len(a))
    for seed in range(300):
        m = Adversary(rounding, Random(seed))
        parts = coefficient(m, network.loss, *a.shape)
        terms = [applied(parts, m.multiply(arb(p), arb(1.25))) for p in a.ravel().tolist()]
        worst = max(worst, float(abs(m.total(terms))) / float(result.radius))
    assert result.value == 0  # so that the coefficient is charged nothing there
    return worst


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: str(network.loss))
@pytest.mark.parametrize("a", [WIDE, FEW], ids=["wide", "few"])
def test_a_coefficient_may_be_applied_to_each_element(network: Network, a: np.ndarray) -> None:
    assert 0 < share(network, a) <= 1


def test_elements_that_are_not_charged_it_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inner_product, "COEFFICIENT", 0)
    assert max(share(network, FEW) for network in NETWORKS) > 1


def test_no_coefficient_rounds_more() -> None:
    assert max(sums_of(network, 3).coefficient for network in NETWORKS) == inner_product.COEFFICIENT


def test_value_and_derivative() -> None:
    a, y = np.array([[2.0, -3.0]]), np.array([[0.5, 4.0]])
    rows, slope = losses.named("inner_product").value(a, a, y)
    assert rows.tolist() == [[1.0, -12.0]]
    assert slope.tolist() == y.tolist()
    assert slope is not y
