"""The sites around a node: what it takes, what arrives at it, and what it gives back."""

from __future__ import annotations

from backproof.mathematics.layers.own import At
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node

# What arrives at the last node: a value that faults may look at, but no site of its own.
COTANGENT = "loss/cotangent"


def at(network: Network, node: Node) -> At:
    """A node with the sites around it."""
    arriving = f"back/{node.name}"
    if node is network.last:
        arriving = "" if network.loss_of == "fused" else COTANGENT
    return At(
        name=node.name,
        layer=node.layer,
        inputs=network.shapes_into(node),
        sources=tuple(site_of(source) for source in node.inputs),
        back=tuple(
            back_to(network, node, index) if source != INPUTS or network.input_gradient else ""
            for index, source in enumerate(node.inputs)
        ),
        arriving=arriving,
        parameters={own: use.parameter for own, use in network.uses[node.name].items()},
    )


def back_to(network: Network, node: Node, index: int) -> str:
    """The site of what a node gives back to one of its inputs."""
    source = node.inputs[index]
    if len(network.consumers[source]) == 1:
        return f"back/{source}"
    again = f".{index}" if node.inputs.count(source) > 1 else ""
    return f"back/{source}/from/{node.name}{again}"


def site_of(source: str) -> str:
    """The site of what a node gives."""
    return source if source == INPUTS else f"activation/{source}"
