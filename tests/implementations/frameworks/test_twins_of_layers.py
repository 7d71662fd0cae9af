"""Every kind of layer in every framework, by its examples, and in networks that join and share."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, Workers, verify
from backproof.gauging.fuzzing.fuzzing import subject_of
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.mathematics.definition.graphs import GRAPHS, weighted
from tests.mathematics.layers.around import cases, network
from tests.workers import Shared

NETWORKS = {str(case): network(case) for case in cases()} | GRAPHS
QUANTITIES = ("activation", "loss", "gradient", "updated")


@pytest.fixture(scope="module", params=slow_but(["torch"], ["torch", "keras", "jax"], 6))
def workers(request: pytest.FixtureRequest, shared: Shared) -> Workers:
    return shared(request.param)


def pairing(name: str, of: Network, reference: str) -> Pairing:
    stream = np.random.default_rng(0)
    parameters, batch = drawn_parameters(of, stream), drawn_batch(of, stream)
    batch = weighted(batch) if name == "weighted" else batch
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


def test_every_twin_agrees(workers: Workers) -> None:
    """On data all is decided, and matches; at the probes nothing is called wrong."""
    (reference,) = workers.by_name
    pairings = [pairing(name, of, reference) for name, of in NETWORKS.items()]
    judged_all = list(verify(pairings, workers, TODAY, certified=False))
    assert [each.record.pairing for each in judged_all if isinstance(each, Judged)] == [*NETWORKS]
    for judged in judged_all:
        assert isinstance(judged, Judged)
        for row in judged.rows:
            told = f"{judged.record.pairing}: {row.name} at {row.point}: {row.status} {row.detail}"
            assert row.status not in (Status.MISMATCH, Status.ERROR), f"{told} {row.cause}"
            assert row.status is Status.MATCH or row.point != "data", told
