"""average_pool2d: the mean of each window, over images (height, width, channels)."""

from __future__ import annotations

from typing import ClassVar

from backproof.mathematics.layers.layer import Example, Shape
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.pooling import SlidingAverage
from backproof.mathematics.layers.pooling_faults import HOSTILE_AVERAGE, OF_AVERAGE
from backproof.mathematics.layers.pooling_twins import in_jax, in_keras, in_torch
from backproof.mathematics.layers.port import Port


class AveragePool2D(SlidingAverage):
    """Pooling of images (height, width, channels) by the mean of each window.

    ``stride``: the kernel where none is given. ``padding``: see `windows.windows_over`.
    ``zeros``: whether those around are counted (PyTorch's default), or not (Keras).
    """

    kind: ClassVar[str] = "average_pool2d"
    axes: ClassVar[int] = 2
    faults: ClassVar[tuple[LayerFault, ...]] = OF_AVERAGE
    hostile: ClassVar[tuple[LayerProbe, ...]] = HOSTILE_AVERAGE

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2, 1), ((3, 4, 2),)),
            (cls((3, 2), 2, "same"), ((4, 3, 2),)),
            (cls(2, 2, ((1, 0), (1, 1)), zeros=True), ((3, 3, 1),)),
        )

    def keras(self, *inputs: Shape) -> Port:
        return in_keras(self, inputs[0])

    def torch(self, *inputs: Shape) -> Port:
        return in_torch(self, inputs[0])

    def jax(self, *inputs: Shape) -> Port:
        return in_jax(self, inputs[0])


PART = AveragePool2D
