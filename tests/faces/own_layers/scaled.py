"""A kind of layer of a user's own, which only a test knows: every unit times its own factor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, ClassVar

from backproof import register
from backproof.mathematics.layers.layer import Formulas, Layer, Parameter, Shape, Symbols, fitting
from backproof.mathematics.layers.own import LayerFault, LayerProbe, instead
from backproof.mathematics.layers.port import Port


def zero_factor(at: Any, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """A factor of exactly 0: what goes back through it is lost."""
    parameters[at.parameters["factor"]][0] = 0


@register("layer")
@dataclass(frozen=True)
class Scaled(Layer):
    """x ⊙ γ, with one factor for each unit."""

    kind: ClassVar[str] = "scaled"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "factor_forgotten_backwards",
            "the cotangent goes back without the factor",
            "x̄ = ḡ ⊙ γ",
            lambda at: {at.back[0]: instead(at.arriving)} if at.back[0] else {},
        ),
        LayerFault(
            "gradient_by_the_output",
            "the factor's gradient is taken with the output, not with the input",
            "∂L/∂γ = Σ ḡ ⊙ x",
            lambda at: {
                f"data_gradient/{at.name}/factor": lambda value, scope: summed(
                    scope.ops,
                    scope.values[at.arriving],
                    scope.values[f"activation/{at.name}"],
                )
            },
        ),
    )
    hostile: ClassVar[tuple[LayerProbe, ...]] = (LayerProbe("zero_factor", zero_factor),)

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return ((cls(), ((3,),)), (cls(), ((2, 3),)))

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0]:
            raise fitting(self.kind, "one input of at least one axis", *inputs)
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        return {"factor": Parameter(inputs[0][-1:], "scale")}

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        return {"factor": rows * prod(inputs[0][:-1])}

    def forward(self, here: Any, *inputs: Any) -> Any:
        return here.ops.multiply(inputs[0], here.parameter("factor"))

    def backward(self, here: Any, cotangent: Any, *inputs: Any) -> tuple[Any, ...]:
        further = here.further_terms("factor")
        here.gradient("factor", summed(here.ops, cotangent, inputs[0], further))
        return (here.passed(here.ops.multiply(cotangent, here.value("factor"))),)

    def latex(self, symbols: Symbols) -> Formulas:
        x, factor = symbols.inputs[0], symbols.parameters["factor"]
        times = rf"\odot (\mathbf{{1}}\, {factor}^\top)"
        return Formulas(
            forward=rf"A_{{{symbols.number}}} = {x} {times}",
            delta="",
            cotangents=(rf"{symbols.arriving} {times}",),
            gradients={"factor": rf"\mathbf{{1}}^\top ({symbols.arriving} \odot {x})"},
        )

    def keras(self, *inputs: Shape) -> Port:
        kind = in_keras()
        return Port(lambda bare, regularizers: kind(), kind, {"factor": ("factor", (0,))}, applied)

    def torch(self, *inputs: Shape) -> Port:
        kind = in_torch()
        made = {"factor": ("factor", (0,))}
        return Port(lambda bare: kind(inputs[0][-1]), kind, made, applied)

    def jax(self, *inputs: Shape) -> Port:
        return Port(applied)


def summed(ops: Any, cotangent: Any, x: Any, further: int = 0) -> Any:
    """Σ ḡ ⊙ x over all axes but the last."""
    axes = tuple(range(len(x.shape) - 1))
    return ops.total(ops.multiply(cotangent, x), axis=axes, further_terms=further)


def applied(bare: bool) -> Any:
    return lambda parameters, x: x * parameters["factor"]


@cache
def in_keras() -> Any:
    import keras

    class Factor(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(name="factor", shape=shape[-1:])

        def call(self, x: Any) -> Any:
            return x * self.factor

    return Factor


@cache
def in_torch() -> Any:
    import torch
    from torch import nn

    class Factor(nn.Module):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.ones(units))

        def forward(self, x: Any) -> Any:
            return x * self.factor

    return Factor
