"""What only one kind gets wrong: each such fault changes something, is caught, and is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis import Evidence, diagnose
from backproof.comparison.judging.rows import Status
from backproof.comparison.record.record import SUBJECT
from backproof.mathematics.faults import planted
from backproof.mathematics.faults.of_layers import of_layers
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.layers.own import At, LayerProbe
from backproof.mathematics.network.masks import masked
from backproof.mathematics.network.network import Network
from backproof.mathematics.probes.probes import hostile
from tests.comparison.diagnosis.grounds import judged, record_of
from tests.mathematics.layers.around import OPTIMIZER, cases, network

# Every fault at the first example that has a place for it.
PLANTS = {}
for case in cases():
    of = network(case)
    for plant in planted(of, OPTIMIZER):
        if plant.fault.family == case.layer.kind:
            PLANTS.setdefault(f"{plant.fault.family}/{plant.fault.name}", (of, plant))


def test_every_fault_has_a_place_in_an_example() -> None:
    stated = {f"{kind}/{each.name}" for kind in LAYERS.names() for each in LAYERS.get(kind).faults}
    assert {f"{each.family}/{each.name}" for each in of_layers()} == stated
    assert PLANTS.keys() == stated


@pytest.mark.parametrize("name", PLANTS)
def test_a_fault_of_a_kind_is_caught_and_named(name: str) -> None:
    of, plant = PLANTS[name]
    record = record_of(of, OPTIMIZER, intervene=plant.intervene)
    rows = judged(record)
    assert any(row.status is Status.MISMATCH for row in rows)
    diagnosis = diagnose(Evidence(record, Bounds(record), SUBJECT))
    assert diagnosis is not None
    named = [[each.name for each in cause.suspect.plants] for cause in diagnosis.causes]
    assert [plant.name] in named


@pytest.mark.parametrize("of", dict.fromkeys(of for of, _ in PLANTS.values()), ids=repr)
def test_the_same_networks_pass_as_they_are(of: Network) -> None:
    assert {row.status for row in judged(record_of(of, OPTIMIZER))} <= {Status.MATCH}


def changes(of: Network, kind: str, own: LayerProbe) -> bool:
    """Whether a probe of a kind changes any number of what is drawn for a network."""
    idle = replace(own, change=lambda *given: None, mask=None)
    plain, odd = (hostile(kind, each, of, np.random.default_rng(0)) for each in (idle, own))
    same = [np.array_equal(plain[0][name], odd[0][name]) for name in plain[0]]
    masks = [
        np.array_equal(mask, masked(of, plain[1], "").masks[node])
        for node, mask in odd[1].masks.items()
    ]
    return not (all(same) and all(masks) and np.array_equal(plain[1].inputs, odd[1].inputs))


def zero_inputs(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    inputs[0] = 0


def test_every_hostile_probe_changes_what_is_drawn() -> None:
    case = cases()[0]
    assert changes(network(case), case.layer.kind, LayerProbe("zeros", zero_inputs))
    assert not changes(network(case), "no such kind", LayerProbe("zeros", zero_inputs))
    for kind in LAYERS.names():
        of_kind = [case for case in cases() if case.layer.kind == kind]
        for own in LAYERS.get(kind).hostile:
            assert any(changes(network(case), kind, own) for case in of_kind), own.name
