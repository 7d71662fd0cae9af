"""A kind of a user's own, whose twin takes no parameters of other nodes: what comes in + β."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from backproof import register
from backproof.mathematics.layers.layer import Formulas, Layer, Parameter
from backproof.mathematics.layers.port import Port


@register("layer")
@dataclass(frozen=True)
class Shifted(Layer):
    kind: ClassVar[str] = "shifted"
    shares: ClassVar[bool] = False

    @classmethod
    def drawn(cls, choose: Any, *came: Any) -> Shifted | None:
        return cls() if len(came) == 1 and len(came[0]) == 1 else None

    def output(self, *inputs: Any) -> Any:
        return inputs[0]

    def parameters(self, *inputs: Any) -> dict[str, Parameter]:
        return {"shift": Parameter(inputs[0], "bias")}

    def forward(self, here: Any, *inputs: Any) -> Any:
        return here.ops.add(inputs[0], here.parameter("shift"))

    def backward(self, here: Any, cotangent: Any, *inputs: Any) -> Any:
        further = here.further_terms("shift")
        here.gradient("shift", here.ops.total(cotangent, axis=0, further_terms=further))
        return (here.passed(cotangent),)

    def latex(self, symbols: Any) -> Formulas:
        shift = symbols.parameters["shift"]
        gradient = {"shift": rf"\mathbf{{1}}^\top {symbols.arriving}"}
        forward = rf"{symbols.inputs[0]} + \mathbf{{1}}\, {shift}^\top"
        return Formulas(forward, "", (symbols.arriving,), gradient)

    def torch(self, *inputs: Any) -> Port:
        kind = in_torch()
        return Port(lambda bare: kind(*inputs[0]), kind, {"shift": ("shift", (0,))})


@cache
def in_torch() -> Any:
    import torch
    from torch import nn

    class Shift(nn.Module):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(units))

        def forward(self, x: Any) -> Any:
            return x + self.shift

    return Shift
