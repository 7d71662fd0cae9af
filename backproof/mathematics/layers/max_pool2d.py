"""max_pool2d: the largest of each window, over images (height, width, channels)."""

from __future__ import annotations

from typing import ClassVar

from backproof.mathematics.layers.layer import Example, Shape
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.pooling import SlidingMaximum
from backproof.mathematics.layers.pooling_faults import HOSTILE_MAXIMUM, OF_MAXIMUM, OF_SQUARES
from backproof.mathematics.layers.pooling_twins import in_jax, in_keras, in_torch
from backproof.mathematics.layers.port import Port


class MaxPool2D(SlidingMaximum):
    """Pooling of images (height, width, channels) by the largest of each window.

    ``stride``: the kernel where none is given. ``padding``: see `windows.windows_over`.
    ``ties``: which of equal maxima gets the cotangent, "first" (as frameworks have it), "last",
    "shared", "all". ``zeros``: whether those around take part; else they are as good as −∞.
    """

    kind: ClassVar[str] = "max_pool2d"
    axes: ClassVar[int] = 2
    faults: ClassVar[tuple[LayerFault, ...]] = (*OF_MAXIMUM, *OF_SQUARES)
    hostile: ClassVar[tuple[LayerProbe, ...]] = HOSTILE_MAXIMUM

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2, 1), ((3, 4, 2),)),
            (cls(2), ((2, 4, 1),)),
            (cls((3, 2), 2, "same", "last"), ((4, 3, 2),)),
            (cls(2, 2, ((1, 0), (1, 1)), "shared"), ((3, 3, 1),)),
            (cls((2, 1), (2, 1), ((1, 1), (0, 0)), "all", zeros=True), ((3, 2, 2),)),
        )

    def keras(self, *inputs: Shape) -> Port:
        return in_keras(self, inputs[0])

    def torch(self, *inputs: Shape) -> Port:
        return in_torch(self, inputs[0])

    def jax(self, *inputs: Shape) -> Port:
        return in_jax(self, inputs[0])


PART = MaxPool2D
