"""What only one kind of layer gets wrong, as entries of the catalogue: each kind states its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from backproof.mathematics.faults.fault import Fault, Kind, Plant, Target
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.layers.own import LayerFault
from backproof.mathematics.network.around import at


def of_layers() -> list[Fault]:
    """The faults of every kind, those entered from outside among them."""
    return [
        Fault(
            kind,
            fault.name,
            Kind(fault.sort),
            fault.sentence,
            fault.formula,
            partial(places, kind=kind, fault=fault),
        )
        for kind in LAYERS.names()
        for fault in LAYERS.get(kind).faults
    ]


def places(of: Target, kind: str, fault: LayerFault) -> Iterator[Plant]:
    """The nodes of that kind at which the fault changes anything."""
    for node in of.network.nodes:
        if node.layer.kind == kind:
            changes = fault.changes(at(of.network, node))
            if changes:
                yield Plant(node.name, changes, at_ties=fault.at_ties)
