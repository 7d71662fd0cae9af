"""Blocks: layers nested as people write them, unrolled into nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.add import Add
from backproof.mathematics.layers.layer import Layer, described


@runtime_checkable
class Block(Protocol):
    """Anything made of layers: it places them one after another, and says what comes out."""

    def place(self, graph: Placing, source: str) -> str:
        """Place its layers behind the node ``source``; the name of the node that comes out."""


class Placing(Protocol):
    """Where blocks place their layers."""

    def place(self, part: object, source: str) -> str:
        """Place a layer or a block behind a node; the name of what comes out."""

    def join(self, layer: Layer, sources: tuple[str, ...]) -> str:
        """Place a layer that joins several nodes."""


@dataclass(frozen=True, init=False)
class Sequential(Block):
    """Layers and blocks, each taking what the one before gives; none at all passes its input."""

    parts: tuple[Layer | Block, ...]

    def __init__(self, *parts: Layer | Block) -> None:
        checked(type(self).__name__, parts)
        object.__setattr__(self, "parts", parts)

    def place(self, graph: Placing, source: str) -> str:
        for part in self.parts:
            source = graph.place(part, source)
        return source


@dataclass(frozen=True, init=False)
class Residual(Block):
    """x + F(x), with F the layers inside; their last shape is that of the input."""

    parts: tuple[Layer | Block, ...]

    def __init__(self, *parts: Layer | Block) -> None:
        checked(type(self).__name__, parts)
        if not parts:
            raise UsageError("Residual(): give the layers that are skipped")
        object.__setattr__(self, "parts", parts)

    def place(self, graph: Placing, source: str) -> str:
        return graph.join(Add(), (Sequential(*self.parts).place(graph, source), source))


@dataclass(frozen=True, init=False)
class Branches(Block):
    """Several blocks from one input, joined by a layer: ``Branches(Multiply(), gate, value)``."""

    join: Layer
    parts: tuple[Layer | Block, ...]

    def __init__(self, join: Layer, *parts: Layer | Block) -> None:
        checked(type(self).__name__, (join, *parts))
        if not getattr(join, "several", False):
            raise UsageError(
                f"Branches({described(join)}, …): {described(join)} joins no inputs; give first a "
                "layer that does, such as Add()"
            )
        if len(parts) < 2:
            raise UsageError(
                f"Branches({described(join)}, …) has {len(parts)} to join; give two or more"
            )
        object.__setattr__(self, "join", join)
        object.__setattr__(self, "parts", parts)

    def place(self, graph: Placing, source: str) -> str:
        return graph.join(self.join, tuple(graph.place(part, source) for part in self.parts))


def checked(block: str, parts: tuple[object, ...]) -> None:
    """Refuse what is neither a layer nor a block."""
    for part in parts:
        if not isinstance(part, Layer | Block):
            raise UsageError(f"{block}(…) holds {described(part)}; give layers and blocks")
