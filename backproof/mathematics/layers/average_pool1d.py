"""average_pool1d: the mean of each window, over sequences (length, channels)."""

from __future__ import annotations

from typing import ClassVar

from backproof.mathematics.layers.layer import Example, Shape
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.pooling import SlidingAverage
from backproof.mathematics.layers.pooling_faults import HOSTILE_AVERAGE, OF_AVERAGE
from backproof.mathematics.layers.pooling_twins import in_jax, in_keras, in_torch
from backproof.mathematics.layers.port import Port


class AveragePool1D(SlidingAverage):
    """Pooling of sequences (length, channels) by the mean of each window.

    ``stride``: the kernel where none is given. ``padding``: see `windows.windows_over`.
    ``zeros``: whether those around are counted (PyTorch's default), or not (Keras).
    """

    kind: ClassVar[str] = "average_pool1d"
    axes: ClassVar[int] = 1
    faults: ClassVar[tuple[LayerFault, ...]] = OF_AVERAGE
    hostile: ClassVar[tuple[LayerProbe, ...]] = HOSTILE_AVERAGE

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2, 1), ((5, 2),)),
            (cls(3, 2, "same"), ((5, 2),)),
            (cls(2, 2, ((1, 0),), zeros=True), ((4, 2),)),
        )

    def keras(self, *inputs: Shape) -> Port:
        return in_keras(self, inputs[0])

    def torch(self, *inputs: Shape) -> Port:
        return in_torch(self, inputs[0])

    def jax(self, *inputs: Shape) -> Port:
        return in_jax(self, inputs[0])


PART = AveragePool1D
