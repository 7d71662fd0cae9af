"""The loss of a network: an element, its reductions, and a scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backproof.mathematics import losses
from backproof.mathematics.errors import UsageError

Reduction = Literal["mean", "sum"]


@dataclass(frozen=True)
class Loss:
    """A loss: scale · reduction over the batch · reduction over the outputs · element.

    ``kind`` names a file of `losses`. The element of ``squared_error`` is (a − y)²; a half is
    written ``scale=0.5``. A cross-entropy is taken of the logits where the last layer applies its
    function (sigmoid, softmax) or none; of the outputs, as probabilities, where it applies another.
    ``hinge`` wants targets of −1 and 1. The batch is all axes before the last.
    """

    kind: str
    batch: Reduction = "mean"
    outputs: Reduction = "sum"
    scale: float = 1.0

    def __post_init__(self) -> None:
        losses.named(self.kind)
        for axis, reduction in (("batch", self.batch), ("outputs", self.outputs)):
            if reduction not in ("mean", "sum"):
                raise UsageError(f"Loss({axis}={reduction!r}): choose 'mean' or 'sum'")

    def divisor(self, rows: int, outputs: int) -> int:
        """What the sum over all elements is divided by, before ``scale`` multiplies it."""
        by_output = self.outputs == "mean" and not losses.named(self.kind).BY_ROW
        return (rows if self.batch == "mean" else 1) * (outputs if by_output else 1)
