"""conv1d: z = Σ over a window of x · W, + b, over sequences (length, channels)."""

from __future__ import annotations

from typing import ClassVar

from backproof.mathematics.layers.convolution import Convolution
from backproof.mathematics.layers.convolution_faults import FAULTS, HOSTILE
from backproof.mathematics.layers.convolution_twins import in_jax, in_keras, in_torch
from backproof.mathematics.layers.layer import Example, Shape
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port


class Conv1D(Convolution):
    """A convolution of sequences (length, channels), kernel (k, channels, filters).

    See `Convolution` for its fields: ``Conv1D(3, 8, 5, padding="same", activation="relu")``.
    """

    kind: ClassVar[str] = "conv1d"
    axes: ClassVar[int] = 1
    faults: ClassVar[tuple[LayerFault, ...]] = FAULTS
    hostile: ClassVar[tuple[LayerProbe, ...]] = HOSTILE

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2, 3, 2, padding="same", activation="tanh"), ((4, 2),)),
            (cls(2, 2, 3, 2, ((2, 1),), activation="sigmoid"), ((5, 2),)),
            (cls(4, 2, 2, dilation=2, groups=2), ((5, 4),)),
            (cls(2, 4, 2, 2, groups=2, bias=False, turned=True), ((6, 2),)),
        )

    def keras(self, *inputs: Shape) -> Port:
        return in_keras(self, inputs[0])

    def torch(self, *inputs: Shape) -> Port:
        return in_torch(self, inputs[0])

    def jax(self, *inputs: Shape) -> Port:
        return in_jax(self, inputs[0])


PART = Conv1D
