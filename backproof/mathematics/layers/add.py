"""add: the sum of several inputs, element by element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.layers.layer import Formulas, Layer, Shape, Symbols, alike
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Add(Layer):
    """x₁ + x₂ + …: what a residual block ends with. All inputs have one shape."""

    kind: ClassVar[str] = "add"
    several: ClassVar[bool] = True

    def output(self, *inputs: Shape) -> Shape:
        return alike(self.kind, inputs)

    def forward(self, here: Here[T], *inputs: T) -> T:
        """One sum, in any order: each input meets every addition at most."""
        times = len(inputs) - 1
        return here.ops.sum_of_charged([here.ops.as_summand(x, times) for x in inputs])

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        return tuple(here.passed(cotangent, index) for index in range(len(inputs)))

    def latex(self, symbols: Symbols) -> Formulas:
        return Formulas(
            forward=rf"A_{{{symbols.number}}} = {' + '.join(symbols.inputs)}",
            delta="",
            cotangents=tuple(symbols.arriving for _ in symbols.inputs),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.Add()

        return Port(make)

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        class Sum(nn.Module):  # type: ignore[misc] # PyTorch has no layer for it
            def forward(self, *given: Any) -> Any:
                return reduce(lambda a, b: a + b, given)

        return Port(lambda bare: Sum())

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: lambda parameters, *given: reduce(lambda a, b: a + b, given))


PART = Add
