"""add: the sum of several inputs, element by element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Shape,
    Symbols,
    alike,
)
from backproof.mathematics.layers.own import At, Change, LayerFault, zeros
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Add(Layer):
    """x₁ + x₂ + …: what a residual block ends with. All inputs have one shape."""

    kind: ClassVar[str] = "add"
    several: ClassVar[bool] = True
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "shortcut_forgotten",
            "the last input is left out of the sum, forwards and backwards",
            "a = x₁ + x₂, and ḡ goes back to both",
            lambda at: {f"activation/{at.name}": without_last(at), **back(at, zeros)},
        ),
        LayerFault(
            "shortcut_forgotten_backwards",
            "the last input of the sum gets nothing back",
            "x̄₁ = ḡ, x̄₂ = ḡ",
            lambda at: back(at, zeros),
        ),
        LayerFault(
            "shortcut_forgotten_forwards",
            "the last input is left out of the sum, forwards alone",
            "a = x₁ + x₂",
            lambda at: {f"activation/{at.name}": without_last(at)},
        ),
        LayerFault(
            "shortcut_twice",
            "the last input is added twice, forwards alone",
            "a = x₁ + x₂",
            lambda at: {
                f"activation/{at.name}": lambda value, scope: scope.ops.add(
                    value, scope.values[at.sources[-1]]
                )
            },
        ),
        LayerFault(
            "shortcut_twice_backwards",
            "the last input of the sum gets twice what comes back",
            "x̄₁ = ḡ, x̄₂ = ḡ",
            lambda at: back(at, lambda value, scope: scope.ops.scale(value, 2.0, 1)),
        ),
        LayerFault(
            "shared_backwards",
            "the cotangent is shared among the inputs of the sum, each getting a part",
            "x̄₁ = ḡ, x̄₂ = ḡ",
            lambda at: {
                site: lambda value, scope: scope.ops.scale(value, 1.0, len(at.sources))
                for site in at.back
                if site
            },
        ),
    )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ((cls(), ((3,), (3,))), (cls(), ((2, 3), (2, 3), (2, 3))))

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Add | None:
        return cls() if len(came) > 1 and len(set(came)) == 1 else None

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


def without_last(at: At) -> Change:
    """The sum of all inputs but the last."""

    def change(value: Any, scope: Any) -> Any:
        parts = [scope.values[site] for site in at.sources[:-1]]
        return reduce(scope.ops.add, parts)

    return change


def back(at: At, change: Change) -> dict[str, Change]:
    """The change in what goes back to the last input."""
    return {at.back[-1]: change} if at.back[-1] else {}


PART = Add
