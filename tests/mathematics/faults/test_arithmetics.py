"""A planted fault means the same in floating point, in balls and in certified arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.comparison.pairing.pairing import load
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import certify
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.faults import Kind, Planted, planted
from backproof.mathematics.faults.evaluation import faulty
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.probes.probes import probes
from tests.halves import slow_but
from tests.mathematics.faults.networks import (
    FOCAL,
    JOINED,
    LEAKY,
    OPTIMIZER,
    OUTPUTS,
    POSITIONS,
    RECTIFIED,
    SCALAR,
    SQUARE,
    STATEFUL,
)
from tests.project import ROOT

ROUNDING = Rounding.of("float64")
NETWORKS: dict[str, tuple[Network, Optimizer]] = {
    "square": (SQUARE, OPTIMIZER),
    "outputs": (OUTPUTS, OPTIMIZER),
    "leaky": (LEAKY, OPTIMIZER),
    "scalar": (SCALAR, OPTIMIZER),
    "joined": (JOINED, OPTIMIZER),
    "positions": (POSITIONS, OPTIMIZER),
    "rectified": (RECTIFIED, OPTIMIZER),
    "focal": (FOCAL, OPTIMIZER),
    **{f"stateful {i}": (LEAKY, optimizer) for i, optimizer in enumerate(STATEFUL)},
    **{
        pairing.name: (pairing.network, pairing.optimizer)
        for name in ("xor", "circles", "clusters")
        for pairing in load(ROOT / "comparisons" / f"{name}.py")
    },
}


def disagreements(network: Network, optimizer: Optimizer, plant: Planted) -> list[str]:
    """The tensors whose floating point or certified value lies outside of the ball."""
    probe = probes(network, optimizer, "float64")[0]

    def evaluated(ops, intervene):
        given = (ops, network, optimizer, probe.parameters, probe.batch)
        earlier = [faulty(*given)] if plant.fault.remembers else []
        return faulty(*given, intervene, earlier)

    values = evaluated(Float(), plant.intervene)
    balls: dict[str, Ball] = evaluated(BallOps(ROUNDING), plant.intervene)
    truths = certify(lambda ops: evaluated(ops, plant.intervene), ROUNDING.unit)
    wrong = []
    for name, ball in balls.items():
        radius = np.zeros(ball.shape) if ball.radius is None else ball.radius
        near = np.abs(values[name] - ball.value) <= 2 * radius
        exact = truths[name].error(ball.value) <= radius + truths[name].radius
        if values[name].shape != ball.shape or not (near.all() and exact.all()):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("name", slow_but(["outputs", "scalar", "stateful 0", "xor"], NETWORKS, 1))
def test_a_fault_means_the_same_in_every_arithmetic(name: str) -> None:
    network, optimizer = NETWORKS[name]
    exact = [p for p in planted(network, optimizer) if p.fault.kind is not Kind.NUMERICAL]
    assert len(exact) > 60
    assert [p.name for p in exact if disagreements(network, optimizer, p)] == []


def test_a_fault_that_differs_between_them_is_found() -> None:
    network, optimizer = NETWORKS["circles"]
    plant = planted(network, optimizer)[0]

    def change(value, scope):
        return scope.ops.scale(value, 2.0 if isinstance(scope.ops, Float) else 3.0)

    apart = Planted(plant.fault, "", {"gradient/dense_1/kernel": change})
    assert disagreements(network, optimizer, apart) == [
        "gradient/dense_1/kernel",
        "updated/dense_1/kernel",
    ]
