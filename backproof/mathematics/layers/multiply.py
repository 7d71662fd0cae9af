"""multiply: the product of several inputs, element by element."""

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
from backproof.mathematics.layers.own import Change, LayerFault
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Multiply(Layer):
    """x₁ ⊙ x₂ ⊙ …: a gate. All inputs have one shape."""

    kind: ClassVar[str] = "multiply"
    several: ClassVar[bool] = True
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "factor_forgotten_backwards",
            "the cotangent goes back without the other factor",
            "x̄₁ = ḡ ⊙ x₂",
            lambda at: {
                site: lambda value, scope: scope.values[at.arriving] for site in at.back if site
            },
        ),
        LayerFault(
            "own_factor_backwards",
            "the cotangent goes back times the factor itself, not times the other one",
            "x̄₁ = ḡ ⊙ x₂, x̄₂ = ḡ ⊙ x₁",
            lambda at: {
                back: times_own(at.arriving, source)
                for back, source in zip(at.back, at.sources, strict=True)
                if back and len(set(at.sources)) == len(at.sources)
            },
        ),
        LayerFault(
            "added",
            "the factors are added, forwards and backwards",
            "a = x₁ ⊙ x₂",
            lambda at: {
                f"activation/{at.name}": lambda value, scope: reduce(
                    scope.ops.add, [scope.values[site] for site in at.sources]
                ),
                **{
                    site: lambda value, scope: scope.values[at.arriving] for site in at.back if site
                },
            },
            "convention",
        ),
    )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ((cls(), ((3,), (3,))), (cls(), ((2, 3), (2, 3), (2, 3))))

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Multiply | None:
        return cls() if len(came) > 1 and len(set(came)) == 1 else None

    def output(self, *inputs: Shape) -> Shape:
        return alike(self.kind, inputs)

    def forward(self, here: Here[T], *inputs: T) -> T:
        return reduce(here.ops.multiply, inputs)

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """x̄ᵢ = ḡ ⊙ Π_{j≠i} xⱼ: relative roundings, the same however the factors are grouped."""
        return tuple(
            here.passed(
                reduce(here.ops.multiply, (*inputs[:index], *inputs[index + 1 :]), cotangent),
                index,
            )
            for index in range(len(inputs))
        )

    def latex(self, symbols: Symbols) -> Formulas:
        times = r" \odot "

        def others(index: int) -> tuple[str, ...]:
            return (*symbols.inputs[:index], *symbols.inputs[index + 1 :])

        return Formulas(
            forward=rf"A_{{{symbols.number}}} = {times.join(symbols.inputs)}",
            delta="",
            cotangents=tuple(
                times.join((symbols.arriving, *others(index)))
                for index in range(len(symbols.inputs))
            ),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.Multiply()

        return Port(make)

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        class Product(nn.Module):  # type: ignore[misc] # PyTorch has no layer for it
            def forward(self, *given: Any) -> Any:
                return reduce(lambda a, b: a * b, given)

        return Port(lambda bare: Product())

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: lambda parameters, *given: reduce(lambda a, b: a * b, given))


def times_own(arriving: str, source: str) -> Change:
    """What arrives, times what this input gave."""
    return lambda value, s: s.ops.multiply(s.values[arriving], s.values[source])


PART = Multiply
