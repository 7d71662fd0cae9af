"""flatten: all axes of a sample as one, the last varying fastest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from backproof.mathematics.layers.own import At, Change, LayerFault
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Flatten(Layer):
    """A sample of any shape as a vector."""

    kind: ClassVar[str] = "flatten"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "first_axis_fastest",
            "the sample is read with its first axis varying fastest, forwards alone",
            "all axes in their order, the last varying fastest",
            lambda at: (
                {f"activation/{at.name}": columns_first(at)}
                if sum(length > 1 for length in at.inputs[0]) > 1
                else {}
            ),
        ),
        LayerFault(
            "other_order_backwards",
            "the cotangent is brought back into shape with its first axis varying fastest",
            "x̄ = ḡ in the shape of x, the last axis varying fastest",
            lambda at: (
                {at.back[0]: rows_first(at)}
                if at.back[0] and sum(length > 1 for length in at.inputs[0]) > 1
                else {}
            ),
        ),
    )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ((cls(), ((2, 3),)), (cls(), ((2, 3, 2),)))

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Flatten | None:
        return cls() if len(came) == 1 else None

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


def order(at: At, samples: int) -> np.ndarray:
    """Where each element of the flat samples stands if the first axis varied fastest."""
    places = np.arange(samples * prod(at.inputs[0])).reshape(samples, *at.inputs[0])
    return places.transpose(0, *range(places.ndim - 1, 0, -1)).reshape(samples, -1)


def columns_first(at: At) -> Change:
    """The input, flat in the other order."""
    return lambda value, s: s.ops.gather(s.values[at.sources[0]], order(at, value.shape[0]))


def rows_first(at: At) -> Change:
    """The cotangent, in shape by the other order."""

    def change(value: Any, scope: Any) -> Any:
        place = np.empty(prod(value.shape), int)
        place[order(at, value.shape[0]).ravel()] = np.arange(place.size)
        return scope.ops.gather(scope.values[at.arriving], place.reshape(value.shape))

    return change


PART = Flatten
