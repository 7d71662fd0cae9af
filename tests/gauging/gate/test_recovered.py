"""Gradients recovered from a step: as much as a step keeps of them, and no false alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, Workers, verify
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers.momentum import Momentum
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but


def stepped(pairing: Pairing, times: float = 1.0) -> Pairing:
    """The pairing with gradients that are (W − updated W) / learning_rate, times something."""

    def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        given = dict(pairing.subject(parameters, batch))
        for name, w in parameters.items():
            change = w - given[f"updated/{name}"]
            given[f"gradient/{name}"] = times * change / pairing.optimizer.learning_rate
        return given

    return replace(pairing, subject=subject, steps=3, quantities=("gradient", "updated"))


def rows_of(pairing: Pairing, workers: Workers) -> list[Row]:
    (judged,) = verify([pairing], workers, TODAY, certified=False)
    assert isinstance(judged, Judged)
    return [row for row in judged.rows if row.quantity == "gradient"]


@pytest.mark.parametrize("name", slow_but(["xor"], ["xor", "circles", "clusters"], 1))
def test_what_a_step_keeps_of_a_gradient_matches(
    name: str, pairings: dict[str, Pairing], torch_worker: Workers
) -> None:
    rows = rows_of(replace(stepped(pairings[name]), recovered=True), torch_worker)
    assert {row.status for row in rows} == {Status.MATCH}
    # The step rounds at the size of the weights, not of the gradients.
    powers = [row.power for row in rows if row.power is not None and row.point == "data"]
    assert 1e-13 < max(powers) < 1e-10


@pytest.mark.slow(1)
def test_without_saying_so_it_is_a_mismatch(
    pairings: dict[str, Pairing], torch_worker: Workers
) -> None:
    rows = rows_of(stepped(pairings["circles"]), torch_worker)
    assert Status.MISMATCH in {row.status for row in rows}


def test_a_wrong_gradient_is_caught_all_the_same(
    pairings: dict[str, Pairing], torch_worker: Workers
) -> None:
    wrong = replace(stepped(pairings["circles"], times=1 + 1e-8), recovered=True)
    assert Status.MISMATCH in {row.status for row in rows_of(wrong, torch_worker)}


def test_nothing_is_recovered_from_a_step_with_momentum(pairings: dict[str, Pairing]) -> None:
    with pytest.raises(UsageError, match="not of momentum: compare updated alone"):
        replace(pairings["xor"], optimizer=Momentum(0.1), recovered=True)


def test_bounds_cover_a_step_in_float32() -> None:
    """Steps of all sizes beside the weight, computed in float32."""
    from backproof.mathematics.arithmetic.balls.operations import BallOps
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.definition.step import recovered
    from backproof.mathematics.layers.dense import Dense
    from backproof.mathematics.network.loss import Loss
    from backproof.mathematics.network.network import Network

    stream = np.random.default_rng(0)
    ops, rate = BallOps(Rounding.of("float32")), np.float32(0.3)
    network = Network((Dense(300, 40, bias=False),), Loss("squared_error"))
    w = stream.normal(size=(300, 40)).astype(np.float32)
    g = (stream.normal(size=w.shape) * 2.0 ** stream.uniform(-20, 10, w.shape)).astype(np.float32)
    updated = w - rate * g
    found = ((w - updated) / rate).astype(np.float64)
    name = "dense_1/kernel"
    change = ops.scale(ops.exact(g), float(rate))
    ball = recovered(
        ops,
        network,
        {name: w},
        {f"updated/{name}": ops.subtract(ops.exact(w), change)},
        float(rate),
    )[f"gradient/{name}"]
    assert ball.radius is not None
    used = np.abs(found - g) / ball.radius
    assert 0.3 < used.max() <= 1
