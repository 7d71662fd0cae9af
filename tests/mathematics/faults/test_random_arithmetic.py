"""A planted fault means the same where rounding errors are random: its values, with a spread."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.random.spread import spreads
from backproof.mathematics.faults import Kind, Planted, planted
from backproof.mathematics.faults.evaluation import faulty
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.probes.probes import probes
from tests.halves import slow_but
from tests.mathematics.faults.test_arithmetics import NETWORKS, ROUNDING


def disagreements(network: Network, optimizer: Optimizer, plant: Planted) -> list[str]:
    """The tensors whose floating point value lies outside of the radius."""
    probe = probes(network, optimizer, "float64")[0]

    def evaluated(ops, intervene):
        given = (ops, network, optimizer, probe.parameters, probe.batch)
        earlier = [faulty(*given)] if plant.fault.remembers else []
        return faulty(*given, intervene, earlier)

    def watched(ops, intervene):
        def both(site, value, scope):
            return intervene(site, plant.intervene(site, value, scope), scope)

        return evaluated(ops, both)

    found = spreads(watched, ROUNDING, chance=1e-9, replicas=4)
    with np.errstate(all="ignore"):
        values = evaluated(Float(), plant.intervene)
    assert values.keys() == found.keys()
    return [
        name
        for name, each in found.items()
        if values[name].shape != each.value.shape
        or not (np.abs(values[name] - each.value) <= each.radius).all()
    ]


@pytest.mark.parametrize("name", slow_but(["outputs"], NETWORKS, 15))
def test_a_fault_means_the_same_with_random_errors(name: str) -> None:
    network, optimizer = NETWORKS[name]
    exact = [p for p in planted(network, optimizer) if p.fault.kind is not Kind.NUMERICAL]
    assert len(exact) > 60
    assert [p.name for p in exact if disagreements(network, optimizer, p)] == []


def test_a_fault_that_differs_is_found() -> None:
    network, optimizer = NETWORKS["circles"]
    plant = planted(network, optimizer)[0]

    def change(value, scope):
        return scope.ops.scale(value, 2.0 if type(scope.ops) is Float else 3.0)

    apart = Planted(plant.fault, "", {"gradient/dense_1/kernel": change})
    assert disagreements(network, optimizer, apart) == [
        "gradient/dense_1/kernel",
        "updated/dense_1/kernel",
    ]
