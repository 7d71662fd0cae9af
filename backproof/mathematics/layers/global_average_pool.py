"""global_average_pool: the mean over all positions, (…, channels) → (channels,)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from backproof.mathematics.layers.layer import Choose, Example, Shape
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.pooling import Global, OfAverage
from backproof.mathematics.layers.pooling_faults import HOSTILE_AVERAGE, MEANS
from backproof.mathematics.layers.pooling_twins import in_jax, in_keras, in_torch
from backproof.mathematics.layers.port import Port


@dataclass(frozen=True)
class GlobalAveragePool(OfAverage, Global):
    """Each channel's mean, over all axes before it."""

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> GlobalAveragePool | None:
        return cls() if len(came) == 1 and len(came[0]) > 1 else None

    kind: ClassVar[str] = "global_average_pool"
    faults: ClassVar[tuple[LayerFault, ...]] = MEANS
    hostile: ClassVar[tuple[LayerProbe, ...]] = HOSTILE_AVERAGE

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ((cls(), ((2, 3, 2),)), (cls(), ((3, 2),)))

    def keras(self, *inputs: Shape) -> Port:
        return in_keras(self, inputs[0])

    def torch(self, *inputs: Shape) -> Port:
        return in_torch(self, inputs[0])

    def jax(self, *inputs: Shape) -> Port:
        return in_jax(self, inputs[0])


PART = GlobalAveragePool
