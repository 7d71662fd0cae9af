"""Every kind of layer in every framework, by its examples, and in networks that join and share."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, Workers, verify
from backproof.gauging.fuzzing.drawing import Case
from backproof.gauging.fuzzing.fuzzing import compared, subject_of
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.mathematics.definition.graphs import GRAPHS, weighted
from tests.mathematics.layers.around import cases, network
from tests.workers import Shared

NETWORKS = {str(case): network(case) for case in cases()} | GRAPHS
# By kind, so that none takes long.
PARTS = {"graphs": list(GRAPHS)}
for case in cases():
    PARTS.setdefault(case.layer.kind, []).append(str(case))
QUANTITIES = ("activation", "loss", "gradient", "updated")


@pytest.fixture(scope="module", params=slow_but(["torch"], ["torch", "keras"], 6))
def workers(request: pytest.FixtureRequest, shared: Shared) -> Workers:
    return shared(request.param)


def drawn(name: str) -> tuple[Parameters, Batch]:
    """Parameters and a batch for a network."""
    stream = np.random.default_rng(0)
    parameters = drawn_parameters(NETWORKS[name], stream)
    batch = drawn_batch(NETWORKS[name], stream)
    return parameters, weighted(batch) if name == "weighted" else batch


def pairing(name: str, of: Network, reference: str) -> Pairing:
    parameters, batch = drawn(name)
    return Pairing(
        name=name,
        network=of,
        subject=subject_of(of),
        data=lambda: batch,
        initial=lambda: parameters,
        optimizer=GradientDescent(0.01),  # that of `subject_of`
        references={reference: None},
        steps=1,
        quantities=QUANTITIES,
    )


@pytest.mark.parametrize("part", PARTS)
def test_every_twin_agrees(part: str, workers: Workers) -> None:
    """On data all is decided, and matches; at the probes nothing is called wrong."""
    (reference,) = workers.by_name
    pairings = [pairing(name, NETWORKS[name], reference) for name in PARTS[part]]
    judged_all = list(verify(pairings, workers, TODAY, certified=False))
    assert [each.record.pairing for each in judged_all if isinstance(each, Judged)] == PARTS[part]
    for judged in judged_all:
        assert isinstance(judged, Judged)
        for row in judged.rows:
            told = f"{judged.record.pairing}: {row.name} at {row.point}: {row.status} {row.detail}"
            assert row.status not in (Status.MISMATCH, Status.ERROR), f"{told} {row.cause}"
            assert row.status is Status.MATCH or row.point != "data", told


@pytest.mark.slow(60)
@pytest.mark.parametrize("part", PARTS)
def test_every_twin_in_jax_agrees_on_data(part: str, shared: Shared) -> None:
    """JAX compiles for each size of a batch: at the probes that takes minutes for all kinds."""
    for name in PARTS[part]:
        rows = compared(Case(NETWORKS[name], *drawn(name)), shared("jax")).rows
        assert {row.status for row in rows} == {Status.MATCH}, rows
