"""A kind of layer of a user's own, in one file: half of what comes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from backproof import register
from backproof.mathematics.layers.layer import Formulas, Layer
from backproof.mathematics.layers.port import Port


@register("layer")
@dataclass(frozen=True)
class Halved(Layer):
    kind: ClassVar[str] = "halved"

    @classmethod
    def drawn(cls, choose: Any, *came: Any) -> Halved | None:
        return cls() if len(came) == 1 else None

    def output(self, *inputs: Any) -> Any:
        return inputs[0]

    def forward(self, here: Any, *inputs: Any) -> Any:
        return here.ops.scale(inputs[0], 0.5)

    def backward(self, here: Any, cotangent: Any, *inputs: Any) -> Any:
        return (here.passed(here.ops.scale(cotangent, 0.5)),)

    def latex(self, symbols: Any) -> Formulas:
        half = rf"\tfrac{{1}}{{2}} {symbols.arriving}"
        return Formulas(rf"\tfrac{{1}}{{2}} {symbols.inputs[0]}", "", (half,), {})

    def torch(self, *inputs: Any) -> Port:
        from torch import nn

        class Half(nn.Module):
            def forward(self, x: Any) -> Any:
                return x / 2

        return Port(lambda bare: Half())
