"""What makes a list of nodes a network: every name known, every shape fitting, nothing unused."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.layer import Shape
from backproof.mathematics.network.node import INPUTS, Node, Shared


class Use(NamedTuple):
    """Where a node's parameter is held: its full name, and whether it is used transposed."""

    parameter: str
    transposed: bool


def checked(nodes: tuple[Node, ...], inputs: Shape) -> None:
    """Raise a `UsageError` for nodes that are no network."""
    names = [node.name for node in nodes]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"two nodes are called {twice[0]!r}: give each a name of its own")
    for place, node in enumerate(nodes):
        for source in node.inputs:
            if source == INPUTS or source in names[:place]:
                continue
            if source in names:
                raise UsageError(
                    f"node {node.name!r} takes {source!r}, which comes later or is itself: nodes "
                    "stand in the order of computation, without a cycle"
                )
            known = ", ".join((INPUTS, *names[:place]))
            raise UsageError(
                f"node {node.name!r} takes {source!r}, but there is no such node; before it there "
                f"are {known}"
            )
    used = {source for node in nodes for source in node.inputs}
    idle = [name for name in names[:-1] if name not in used]
    if idle:
        raise UsageError(
            f"nothing uses what node {idle[0]!r} gives: leave it out, or let a node take it"
        )
    if INPUTS not in used:
        raise UsageError("no node takes the network's inputs")
    for node in nodes:
        if node.layer.indices is not None and node.indices_from != INPUTS:
            raise UsageError(
                f"node {node.name!r} takes indices, whole numbers below {node.layer.indices}, but "
                f"gets what {node.indices_from!r} gives: let it take 'inputs' there"
            )
    owners(nodes, shapes_of(nodes, inputs))


def shapes_of(nodes: tuple[Node, ...], inputs: Shape) -> dict[str, Shape]:
    """The shape that each node gives, by its name; a `UsageError` names the node that is unfit."""
    found = {INPUTS: inputs}
    for node in nodes:
        came = tuple(found[source] for source in node.inputs)
        try:
            found[node.name] = node.layer.output(*came)
        except UsageError as error:
            sources = ", ".join(f"{source} {found[source]}" for source in node.inputs)
            raise UsageError(f"node {node.name!r}: {error} (from {sources})") from None
    if not found[nodes[-1].name]:
        raise UsageError(f"node {nodes[-1].name!r} gives one number a sample; give it an axis")
    return found


def owners(nodes: tuple[Node, ...], shapes: dict[str, Shape]) -> dict[str, dict[str, Use]]:
    """By node and its own name of a parameter: whose it is."""
    found: dict[str, dict[str, Use]] = {}
    held: dict[str, Shape] = {}
    for node in nodes:
        own = node.layer.parameters(*(shapes[source] for source in node.inputs))
        shared = dict(node.shared)
        unknown = sorted(shared.keys() - own.keys())
        if unknown:
            offered = ", ".join(own) or "none"
            raise UsageError(
                f"node {node.name!r} shares {unknown[0]!r}, which its layer has not; it "
                f"has {offered}"
            )
        found[node.name] = {}
        for name, parameter in own.items():
            other = shared.get(name)
            if other is None:
                held[f"{node.name}/{name}"] = parameter.shape
                found[node.name][name] = Use(f"{node.name}/{name}", transposed=False)
            else:
                fits(node, name, parameter.shape, other, held)
                found[node.name][name] = Use(other.parameter, other.transposed)
    return found


def fits(node: Node, name: str, shape: Shape, other: Shared, held: dict[str, Shape]) -> None:
    """Whether a shared parameter is there, and of the shape that the node needs."""
    if other.parameter not in held:
        known = ", ".join(held) or "none"
        raise UsageError(
            f"node {node.name!r} shares {other.parameter!r}, which no node before it holds; they "
            f"hold {known}"
        )
    came = held[other.parameter]
    came = came[::-1] if other.transposed else came
    if came != shape:
        turned = " transposed" if other.transposed else ""
        raise UsageError(
            f"node {node.name!r} shares {other.parameter}{turned}, of shape {came}, for its "
            f"{name}, which should be {shape}"
        )
