"""conv2d: z = Σ over a window of x · W, + b, over images (height, width, channels)."""

from __future__ import annotations

from typing import ClassVar

from backproof.mathematics.layers.convolution import Convolution
from backproof.mathematics.layers.convolution_faults import FAULTS, HOSTILE, IN_TWO_AXES
from backproof.mathematics.layers.convolution_twins import in_jax, in_keras, in_torch
from backproof.mathematics.layers.layer import Example, Shape
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port


class Conv2D(Convolution):
    """A convolution of images (height, width, channels), kernel (kh, kw, channels, filters).

    See `Convolution` for its fields: ``Conv2D(3, 8, 3, stride=2, padding="same")``.
    """

    kind: ClassVar[str] = "conv2d"
    axes: ClassVar[int] = 2
    faults: ClassVar[tuple[LayerFault, ...]] = (*FAULTS, *IN_TWO_AXES)
    hostile: ClassVar[tuple[LayerProbe, ...]] = HOSTILE

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2, 3, 2, padding="same", activation="tanh"), ((3, 3, 2),)),
            (cls(2, 2, (2, 3), (2, 1), ((1, 0), (2, 1)), activation="sigmoid"), ((4, 3, 2),)),
            (cls(4, 2, (2, 1), dilation=2, groups=2), ((4, 2, 4),)),
            (cls(2, 4, (1, 2), (1, 2), groups=2, bias=False, turned=True), ((2, 4, 2),)),
        )

    def keras(self, *inputs: Shape) -> Port:
        return in_keras(self, inputs[0])

    def torch(self, *inputs: Shape) -> Port:
        return in_torch(self, inputs[0])

    def jax(self, *inputs: Shape) -> Port:
        return in_jax(self, inputs[0])


PART = Conv2D
