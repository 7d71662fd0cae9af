"""flatten: all axes of a sample as one, the last varying fastest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.layers.layer import Formulas, Layer, Shape, Symbols, fitting
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Flatten(Layer):
    """A sample of any shape as a vector."""

    kind: ClassVar[str] = "flatten"

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1:
            raise fitting(self.kind, "one input", *inputs)
        return (prod(inputs[0]),)

    def forward(self, here: Here[T], *inputs: T) -> T:
        shape: Shape = inputs[0].shape  # type: ignore[attr-defined] # every arithmetic has it
        return here.ops.reshaped(inputs[0], (shape[0], prod(shape[1:])))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        shape: Shape = inputs[0].shape  # type: ignore[attr-defined]
        return (here.passed(here.ops.reshaped(cotangent, shape)),)

    def latex(self, symbols: Symbols) -> Formulas:
        x, i = symbols.inputs[0], symbols.number
        return Formulas(
            forward=rf"A_{{{i}}} = \mathrm{{flat}}({x})",
            delta="",
            cotangents=(rf"\mathrm{{flat}}^{{-1}}({symbols.arriving})",),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.Flatten()

        return Port(make)

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        return Port(lambda bare: nn.Flatten())

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: lambda parameters, x: x.reshape(len(x), -1))


PART = Flatten
