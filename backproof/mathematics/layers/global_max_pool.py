"""global_max_pool: the largest over all positions, (…, channels) → (channels,)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from backproof.mathematics.functions.largest import Ties
from backproof.mathematics.layers.layer import Choose, Example, Shape
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.pooling import TIES, Global, OfMaximum, checked_ties
from backproof.mathematics.layers.pooling_faults import HOSTILE_MAXIMUM, TIED
from backproof.mathematics.layers.pooling_twins import in_jax, in_keras, in_torch
from backproof.mathematics.layers.port import Port


@dataclass(frozen=True)
class GlobalMaxPool(OfMaximum, Global):
    """Each channel's largest, over all axes before it.

    ``ties``: which of equal maxima gets the cotangent: "first", "last", "shared" (as frameworks
    have it for a maximum over axes), "all".
    """

    ties: Ties = "first"

    def __post_init__(self) -> None:
        checked_ties(type(self).__name__, self.ties)

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> GlobalMaxPool | None:
        fits = len(came) == 1 and len(came[0]) > 1
        return cls(choose(TIES)) if fits else None

    kind: ClassVar[str] = "global_max_pool"
    faults: ClassVar[tuple[LayerFault, ...]] = TIED
    hostile: ClassVar[tuple[LayerProbe, ...]] = HOSTILE_MAXIMUM

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(), ((2, 2, 2),)),
            (cls("shared"), ((3, 2),)),
            (cls("last"), ((3, 2),)),
        )

    def keras(self, *inputs: Shape) -> Port:
        return in_keras(self, inputs[0])

    def torch(self, *inputs: Shape) -> Port:
        return in_torch(self, inputs[0])

    def jax(self, *inputs: Shape) -> Port:
        return in_jax(self, inputs[0])


PART = GlobalMaxPool
