"""Nodes: the layers of a network in the order of computation, each with what it takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from backproof.mathematics.checking import check_fields, check_table, hints_of
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import kinds
from backproof.mathematics.layers.blocks import Block
from backproof.mathematics.layers.layer import Layer, described

INPUTS = "inputs"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Shared:
    """A parameter of another node, by its full name: ``Shared("dense_1/kernel")``.

    ``transposed``: its axes in reverse order, as of a table that serves as a kernel too.
    """

    parameter: str
    transposed: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        if "/" not in self.parameter:
            raise UsageError(
                f"Shared({self.parameter!r}): give the full name of a parameter, with that of its "
                "node, as in Shared('hidden/kernel')"
            )


@dataclass(frozen=True)
class Node:
    """A layer with a name, what it takes, and the parameters that it shares.

    ``inputs``: names of nodes before it, or "inputs"; without, the node before. ``shared``: the
    layer's own name of a parameter → the `Shared` one.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...] = ()
    shared: tuple[tuple[str, Shared], ...] = field(default=())

    def __init__(
        self,
        name: str,
        layer: Layer,
        inputs: tuple[str, ...] | str = (),
        shared: Mapping[str, Shared] | tuple[tuple[str, Shared], ...] = (),
    ) -> None:
        given: Any = name
        if not isinstance(given, str) or not NAME.fullmatch(given) or given == INPUTS:
            raise UsageError(f"node {name!r}: name it by letters, digits and _, and not 'inputs'")
        if not isinstance(layer, Layer):
            raise UsageError(f"node {name!r} holds {described(layer)}; give a layer")
        taken = (inputs,) if isinstance(inputs, str) else inputs
        if not are_names(taken):
            raise UsageError(
                f"node {name!r}: inputs={inputs!r}; give the names of nodes before it, or 'inputs'"
            )
        pairs: Any = shared.items() if isinstance(shared, Mapping) else shared
        pairs = tuple(pairs) if isinstance(pairs, Collection) else (shared,)
        if not all(map(is_shared, pairs)):
            raise UsageError(
                f"node {name!r}: shared={shared!r}; give the layer's own name of each parameter "
                "and whose it is, as in {'kernel': Shared('hidden/kernel')}"
            )
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "layer", layer)
        object.__setattr__(self, "inputs", tuple(taken))
        object.__setattr__(self, "shared", tuple(sorted(pairs)))

    @property
    def indices_from(self) -> str:
        """What gives it its indices; "" where it takes none."""
        at = self.layer.indices_at
        return "" if self.layer.indices is None or at >= len(self.inputs) else self.inputs[at]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into this node."""
        found = {"name": self.name, "inputs": list(self.inputs), **kinds.to_json(self.layer)}
        if self.shared:
            found["shared"] = {
                own: {"parameter": other.parameter, "transposed": other.transposed}
                for own, other in self.shared
            }
        return found

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Node:
        """The node that `to_json` described."""
        layer = {name: value for name, value in given.items() if name not in OF_NODES}
        own = {name: value for name, value in given.items() if name in OF_NODES}
        check_table("a node", own, OF_NODES, needs=("name",))
        try:
            shared = {name: shared_from(other) for name, other in own.get("shared", {}).items()}
            return cls(own["name"], kinds.from_json(layer), own.get("inputs", ()), shared)
        except UsageError as error:
            raise UsageError(f"node {own['name']!r}: {error}") from None


# What a node has beside its layer, as it is written down.
OF_NODES = {"name": str, "inputs": str | list | tuple, "shared": dict}


def shared_from(given: str | Mapping[str, Any]) -> Shared:
    """A shared parameter by its full name, or a table that says that it is transposed."""
    described = {"parameter": given} if isinstance(given, str) else given
    check_table("shared", described, hints_of(Shared), needs=("parameter",))
    return Shared(**described)


def are_names(given: object) -> bool:
    """Whether they can be names of nodes."""
    return isinstance(given, tuple | list) and all(isinstance(each, str) for each in given)


def is_shared(pair: object) -> bool:
    """Whether it is an own name with the `Shared` parameter that it stands for."""
    own, other = pair if isinstance(pair, tuple) and len(pair) == 2 else (None, None)
    return isinstance(own, str) and isinstance(other, Shared)


class Placed:
    """Places layers, blocks and named nodes one after another."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._counted: Counter[str] = Counter()

    def place(self, part: object, source: str) -> str:
        """Place a part behind a node; the name of what comes out."""
        if isinstance(part, Block):
            return part.place(self, source)
        if isinstance(part, Node):
            self.nodes.append(
                part if part.inputs else Node(part.name, part.layer, source, part.shared)
            )
            return part.name
        if not isinstance(part, Layer):
            raise UsageError(
                f"a network is made of layers, blocks and nodes, not {described(part)}"
            )
        return self.join(part, (source,))

    def join(self, layer: Layer, sources: tuple[str, ...]) -> str:
        """Place a layer behind several nodes."""
        self._counted[layer.kind] += 1
        name = f"{layer.kind}_{self._counted[layer.kind]}"
        self.nodes.append(Node(name, layer, sources))
        return name


def placed(parts: tuple[object, ...]) -> tuple[Node, ...]:
    """The nodes that the parts of a network come to."""
    graph, source = Placed(), INPUTS
    for part in parts:
        source = graph.place(part, source)
    return tuple(graph.nodes)
