"""The catalogue: its size, its wording, and that every entry changes what is compared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from backproof.comparison.pairing.pairing import load
from backproof.comparison.record.subject_run import at_rest
from backproof.mathematics.faults import Fault, Kind, Planted, Target, catalogue, families, planted
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.faults.fault import Family, Plant
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.probes.probes import probes
from tests.mathematics.faults.networks import (
    CLIPPED,
    EVERY_PLACE,
    EVERY_SAMPLE,
    FOCAL,
    JOINED,
    LABELLED,
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

FAULTS = catalogue()
NAMES = [f"{fault.family}/{fault.name}" for fault in FAULTS]
Point = tuple[Parameters, Batch]


@pytest.fixture(scope="module")
def grounds() -> list[tuple[Network, Optimizer, list[Point]]]:
    """Every network with its probes and, where it is a pairing's, its data."""
    plain = (SQUARE, OUTPUTS, LEAKY, SCALAR, JOINED, POSITIONS, RECTIFIED, FOCAL)
    plain = (*plain, LABELLED, EVERY_PLACE, EVERY_SAMPLE)
    mine = [(each, OPTIMIZER) for each in plain]
    mine += [(LEAKY, optimizer) for optimizer in (*STATEFUL, CLIPPED)]
    found = [(network, optimizer, points(network, optimizer)) for network, optimizer in mine]
    for path in sorted((ROOT / "comparisons").glob("[!_]*.py")):
        for pairing in load(path):
            batch, parameters = pairing.start(ROOT, "float64")
            network = pairing.network
            found.append(
                (
                    network,
                    pairing.optimizer,
                    [
                        *points(network, pairing.optimizer),
                        (parameters | at_rest(network, pairing.optimizer, "float64"), batch),
                    ],
                )
            )
    return found


def points(network: Network, optimizer: Optimizer) -> list[Point]:
    return [(probe.parameters, probe.batch) for probe in probes(network, optimizer, "float64")]


def shows(plant: Planted, network: Network, optimizer: Optimizer, points: list[Point]) -> bool:
    """Whether the planted fault changes anything that is compared, at any point."""
    earlier = computed(network, optimizer, *points[0])
    return any(
        not np.array_equal(right[name], wrong[name], equal_nan=True)
        for parameters, batch in points
        for right in [computed(network, optimizer, parameters, batch)]
        for wrong in [computed(network, optimizer, parameters, batch, plant.intervene, [earlier])]
        for name in right
    )


def test_the_catalogue_is_as_large_as_it_should_be() -> None:
    sizes = [len(family.faults) for family in families()]
    assert len(FAULTS) >= 70
    assert len(sizes) >= 12
    assert max(sizes) <= 12
    assert len(set(NAMES)) == len(NAMES)
    assert {fault.kind for fault in FAULTS} == set(Kind)


# What only one kind of layer gets wrong is shown by its examples, in test_faults_of_layers.py.
OF_ALL = [fault for fault in FAULTS if fault.family not in LAYERS.names()]


@pytest.mark.parametrize("fault", OF_ALL, ids=[f"{f.family}/{f.name}" for f in OF_ALL])
def test_an_entry_changes_what_is_compared(fault: Fault, grounds) -> None:
    """An entry that does nothing, at any point of any network, would measure nothing."""
    assert any(
        shows(plant, network, optimizer, points)
        for network, optimizer, points in grounds
        for plant in fault.planted(Target(network, optimizer))
        if not plant.moot
    )


def test_an_entry_that_does_nothing_is_found(grounds) -> None:
    family = Family("tests.nothing")

    @family.fault(Kind.MATHEMATICAL, "as it is")
    def nothing(of: Target) -> Iterator[Plant]:
        """Nothing is wrong."""
        yield Plant("", {"loss": lambda value, scope: value})

    with pytest.raises(AssertionError):
        test_an_entry_changes_what_is_compared(nothing, grounds)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_an_entry_is_told_in_words(fault: Fault) -> None:
    assert fault.sentence[0].islower() or fault.sentence[0] in "γεx", "it follows a colon"
    assert not fault.sentence.endswith(".")
    assert fault.formula


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_the_sites_that_an_entry_changes_are_there(fault: Fault, grounds) -> None:
    """A name that is no site would change nothing, silently."""
    for network, optimizer, [(parameters, batch), *_] in grounds:
        met: set[str] = set()

        def meet(name, value, scope, met=met):
            met.add(name)
            return value

        computed(network, optimizer, parameters, batch, meet)
        for plant in fault.planted(Target(network, optimizer)):
            assert plant.changes.keys() <= met, plant.name


def test_places_are_told_apart() -> None:
    names = [plant.name for plant in planted(SQUARE, OPTIMIZER)]
    assert len(set(names)) == len(names)
