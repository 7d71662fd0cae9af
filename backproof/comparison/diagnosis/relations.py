"""Relations: in which order tensors follow from each other, and what may be wrong between two.

A relation is what one layer makes of what it is given: its activation, its gradients from the delta
above it, a slot, a step. In the order of computation the first that is violated is where the code
went wrong, whatever follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from backproof.comparison.record.record import Record
from backproof.mathematics.faults import Planted
from backproof.mathematics.network.quantities import INPUT_GRADIENT

FORWARD = ("inputs", "kernel", "bias", "z", "activation")
"""The sites of the forward pass."""


@dataclass(frozen=True)
class Relation:
    """What follows together from what was there before: the names of the tensors that show it.

    ``kind``: count, forward, loss, backward, inputs, slots, step, accuracy. ``where``: a node, or
    the name of a parameter.
    """

    kind: str
    where: str
    names: tuple[str, ...]


def relations(record: Record) -> list[Relation]:
    """All relations of a record's network, in the order of computation."""
    network = record.network
    counts = ("parameter_count", *(f"parameter_count/{n}" for n in network.parameter_counts()))
    found = [Relation("count", "", counts)]
    for n in network.node_names:
        found.append(Relation("forward", n, (f"activation/{n}",)))
        moved = tuple(f"updated/{name}" for name in network.buffers if name.startswith(f"{n}/"))
        if moved:
            found.append(Relation("buffers", n, moved))
    found.append(Relation("loss", "", ("loss",)))
    for node in reversed(network.node_names):
        own = [name for name in network.parameters if name.startswith(f"{node}/")]
        if own:
            found.append(Relation("backward", node, tuple(f"gradient/{name}" for name in own)))
    if network.input_gradient:
        found.append(Relation("inputs", "", (INPUT_GRADIENT,)))
    for name in network.parameters:
        slots = tuple(f"updated/{slot}/{name}" for slot in record.optimizer.SLOTS)
        if slots:
            found.append(Relation("slots", name, slots))
    found += [Relation("step", name, (f"updated/{name}",)) for name in network.parameters]
    found.append(Relation("accuracy", "", ("accuracy",)))
    return found


def asked_for(plant: Planted, record: Record) -> bool:
    """Whether a change is one that a record's subject can make.

    Where no loss is asked for, what arrives from above is given, and nobody computes the loss.
    """
    return "loss" in record.quantities or not {"loss/rows", "loss/data", "loss"} & set(
        plant.changes
    )


def concerns(plant: Planted, relation: Relation, *, last: bool, hidden_forward: bool) -> bool:
    """Whether a change is one of what the relation makes, and not of what comes before it.

    ``hidden_forward``: whether some activations are not shown, so that later ones, the loss and the
    gradients are the first to show a change of them.
    """
    return any(
        belongs(site, relation, last=last, hidden_forward=hidden_forward) for site in plant.changes
    )


def belongs(site: str, relation: Relation, *, last: bool, hidden_forward: bool) -> bool:
    """Whether a site lies in a relation."""
    head, _, rest = site.partition("/")
    node, where = rest.partition("/")[0], relation.where
    of_loss = head in ("loss", "targets", "penalty")
    forward = head in FORWARD
    if relation.kind == "count":
        return head == "parameter_count"
    if relation.kind == "forward":
        return forward and (node == where or head == "inputs" or hidden_forward)
    if relation.kind == "loss":
        return of_loss or (hidden_forward and forward)
    if relation.kind == "backward":
        if head == "penalty_gradient":
            return rest.partition("/")[2].startswith(f"{where}/")
        own = head in ("delta", "data_gradient", "gradient", "back") and node == where
        return own or (last and of_loss) or (hidden_forward and forward)
    if relation.kind == "inputs":
        # Of a node without parameters, nothing else shows the cotangent.
        return head in ("delta", "back", INPUT_GRADIENT) or (hidden_forward and forward)
    if relation.kind in ("slots", "buffers"):
        return site in relation.names
    if relation.kind == "step":
        return site in (f"change/{where}", f"updated/{where}")
    return head in ("correct", "accuracy")
