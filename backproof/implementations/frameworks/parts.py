"""The parts of a framework's model that hold a network's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.layer import Shape
from backproof.mathematics.layers.port import Port
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node


@dataclass(frozen=True, eq=False)
class Wanted:
    """A node that holds parameters or buffers, or takes a mask; its own parameters by name."""

    node: Node
    port: Port
    shapes: Mapping[str, Shape]


@dataclass(frozen=True, eq=False)
class Held:
    """A node with the part of the model that holds its parameters, and what each is called."""

    node: Node
    part: Any
    names: Mapping[str, tuple[str, tuple[int, ...]]]
    """The parameter's full name → its name in the part, and the axes that make it ours."""
    port: Port

    @property
    def buffers(self) -> dict[str, str]:
        """What a step moves without a gradient: its full name → its name in the part."""
        return {f"{self.node.name}/{own}": name for own, name in self.port.buffers.items()}

    layout: str = "last"
    """Where the part takes the channels of its input."""

    @property
    def source(self) -> str:
        """The node whose activation this part takes; "" for the inputs, or for several."""
        inputs = self.node.inputs
        known = len(inputs) == 1 and inputs[0] != INPUTS and self.port.seen
        return inputs[0] if known else ""


def wanted_of(network: Network, framework: str) -> list[Wanted]:
    """The nodes that a part of a model stands for, in the order of computation."""
    found = []
    for node in network.nodes:
        shapes = {
            name: parameter.shape
            for name, parameter in node.layer.parameters(*network.shapes_into(node)).items()
            if name not in dict(node.shared)
        }
        into = network.shapes_into(node)
        if shapes or node.layer.buffers(*into) or node.name in network.masks:
            port: Port = getattr(node.layer, framework)(*network.shapes_into(node))
            found.append(Wanted(node, port, shapes))
    return found


def found_in(what: str, wanted: Sequence[Wanted], parts: Sequence[Any]) -> list[Held]:
    """Each node with its part; raises a `UsageError` if their number or shapes differ."""
    sharing = [hasattr(part, "own") for part in parts]
    names = [
        {own: (own, in_order(shape)) for own, shape in each.shapes.items()}
        if shared
        else {own: each.port.weights[own] for own in each.shapes}
        for each, shared in zip(wanted, sharing, strict=False)
    ]
    told = [in_words(each.shapes) for each in wanted]
    here = [in_words(shapes_in(part, each)) for part, each in zip(parts, names, strict=False)]
    here += [type(part).__name__ for part in parts[len(names) :]]
    if here != told:
        raise UsageError(
            f"{what}'s layers with parameters are [{'; '.join(here)}], the network's "
            f"[{'; '.join(told)}]"
        )
    return [
        Held(
            each.node,
            part.own if shared else part,
            {f"{each.node.name}/{own}": place for own, place in name.items()},
            each.port,
            each.port.layout,
        )
        for each, part, shared, name in zip(wanted, parts, sharing, names, strict=True)
    ]


def shapes_in(part: Any, names: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, Shape]:
    """The shapes of the parameters in a part, in our layout; those that it lacks are left out."""
    found = {}
    for own, (name, axes) in names.items():
        value = held(getattr(part, "own", part), name)
        if value is not None:
            shape = tuple(value.shape)
            fits = len(shape) == len(axes)
            found[own] = tuple(shape[axis] for axis in axes) if fits else shape
    return found


def held(part: Any, name: str) -> Any:
    """A parameter of a part by its name there, ``cell.kernel``; None where it has none."""
    for step in name.split("."):
        part = part[step] if hasattr(part, "keys") else getattr(part, step, None)
    return part


def in_words(shapes: Mapping[str, Shape]) -> str:
    """``kernel (3, 4), bias (4,)``."""
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"


def in_order(shape: Shape) -> tuple[int, ...]:
    """The axes of a parameter that is held in our layout."""
    return tuple(range(len(shape)))


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that takes ours back to theirs."""
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))
