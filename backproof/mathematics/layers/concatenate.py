"""concatenate: several inputs side by side, along the last axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from backproof.mathematics.layers.layer import Formulas, Layer, Shape, Symbols, fitting
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Concatenate(Layer):
    """[x₁, x₂, …] along the last axis; all axes before it are the same."""

    kind: ClassVar[str] = "concatenate"
    several: ClassVar[bool] = True

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


PART = Concatenate
