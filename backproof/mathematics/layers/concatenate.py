"""concatenate: several inputs side by side, along the last axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Shape,
    Symbols,
    fitting,
)
from backproof.mathematics.layers.own import At, Change, LayerFault, zeros
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Concatenate(Layer):
    """[x₁, x₂, …] along the last axis; all axes before it are the same."""

    kind: ClassVar[str] = "concatenate"
    several: ClassVar[bool] = True
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "parts_exchanged_backwards",
            "the columns of the cotangent go back to the wrong inputs, each to the one before",
            "x̄ᵢ = the columns of ḡ where xᵢ stands",
            lambda at: exchanged(at) if len(set(at.inputs)) == 1 else {},
        ),
        LayerFault(
            "last_forgotten_backwards",
            "the last input gets nothing back",
            "x̄ᵢ = the columns of ḡ where xᵢ stands",
            lambda at: {at.back[-1]: zeros} if at.back[-1] else {},
        ),
        LayerFault(
            "order_turned",
            "the inputs stand side by side in the reverse order",
            "a = [x₁, x₂]",
            lambda at: (
                {
                    f"activation/{at.name}": lambda value, scope: scope.ops.concatenated(
                        [scope.values[site] for site in at.sources[::-1]]
                    )
                }
                if len(set(at.inputs)) == 1
                else {}
            ),
        ),
    )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ((cls(), ((3,), (3,))), (cls(), ((2, 3), (2, 1), (2, 4))))

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Concatenate | None:
        alike = len({shape[:-1] for shape in came}) == 1
        return cls() if len(came) > 1 and all(came) and alike else None

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) < 2 or not all(inputs):
            raise fitting(self.kind, "two inputs or more, of at least one axis", *inputs)
        if len({shape[:-1] for shape in inputs}) > 1:
            before = ", ".join([*map(str, inputs[0][:-1]), "…"])
            wanted = f"inputs ({before}), alike before the last axis"
            raise fitting(self.kind, wanted, *inputs)
        return (*inputs[0][:-1], sum(shape[-1] for shape in inputs))

    def forward(self, here: Here[T], *inputs: T) -> T:
        return here.ops.concatenated(inputs)

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """Each input gets its own columns of the cotangent: exact."""
        shapes: list[Shape] = [x.shape for x in inputs]  # type: ignore[attr-defined]
        whole: Shape = cotangent.shape  # type: ignore[attr-defined]
        places = np.arange(prod(whole)).reshape(whole)
        ends = list(accumulate(shape[-1] for shape in shapes))
        return tuple(
            here.passed(here.ops.gather(cotangent, places[..., end - shape[-1] : end]), index)
            for index, (shape, end) in enumerate(zip(shapes, ends, strict=True))
        )

    def latex(self, symbols: Symbols) -> Formulas:
        arriving = symbols.arriving
        return Formulas(
            forward=rf"A_{{{symbols.number}}} = [{', '.join(symbols.inputs)}]",
            delta="",
            cotangents=tuple(rf"({arriving})_{{{x}}}" for x in symbols.inputs),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.Concatenate()

        return Port(make)

    def torch(self, *inputs: Shape) -> Port:
        import torch
        from torch import nn

        class Joined(nn.Module):  # type: ignore[misc] # PyTorch has no layer for it
            def forward(self, *given: Any) -> Any:
                return torch.cat(given, dim=-1)

        return Port(lambda bare: Joined())

    def jax(self, *inputs: Shape) -> Port:
        import jax.numpy as jnp

        return Port(lambda bare: lambda parameters, *given: jnp.concatenate(given, axis=-1))


def exchanged(at: At) -> dict[str, Change]:
    """By site of what goes back, the columns of the cotangent that are the next input's."""
    width = at.inputs[0][-1]
    many = len(at.inputs)

    def columns_of(index: int) -> Change:
        def change(value: Any, scope: Any) -> Any:
            cotangent = scope.values[at.arriving]
            places = np.arange(prod(cotangent.shape)).reshape(cotangent.shape)
            start = (index + 1) % many * width
            return scope.ops.gather(cotangent, places[..., start : start + width])

        return change

    return {site: columns_of(index) for index, site in enumerate(at.back) if site}


PART = Concatenate
