"""The loss of a network: an element, its reductions, and a scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from backproof.mathematics import losses
from backproof.mathematics.checking import check_fields, finite, fits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.losses import LossFunction

Reduction = Literal["mean", "sum"]
OverBatch = Literal["mean", "sum", "samples", "valid"]
"""The mean over all rows, their sum, the mean over the samples of the sums over their positions,
or the mean over the rows whose label is not ignored."""


@dataclass(frozen=True)
class Loss:
    """A loss: scale · reduction over the batch · reduction over the outputs · element.

    ``kind`` names a file of `losses`, or is a loss with fields: an instance of its class. The
    element of ``squared_error`` is (a − y)²; a half is written ``scale=0.5``. A cross-entropy is
    taken of the logits where the last layer applies its function (sigmoid, softmax) or none; of the
    outputs, as probabilities, where it applies another. ``hinge`` wants targets of −1 and 1. The
    batch is all axes before the last: of samples with positions, "mean" is over both, "samples"
    over the samples alone; "valid" over those rows that `masked_categorical_cross_entropy` does not
    ignore. (``function`` is what `dataclasses.replace` gives in the
    place of ``kind``.)
    """

    function: LossFunction
    batch: OverBatch = "mean"
    outputs: Reduction = "sum"
    scale: float = 1.0

    def __init__(
        self,
        kind: str | LossFunction | None = None,
        batch: OverBatch = "mean",
        outputs: Reduction = "sum",
        scale: float = 1.0,
        *,
        function: LossFunction | None = None,
    ) -> None:
        chosen = function if kind is None else kind
        if chosen is None:
            raise UsageError(f"Loss() needs its kind; there are {', '.join(losses.names())}")
        if not fits(outputs, Reduction):
            raise UsageError(f"Loss(outputs={outputs!r}): choose 'mean' or 'sum'")
        if not fits(batch, OverBatch):
            raise UsageError(f"Loss(batch={batch!r}): choose 'mean', 'sum', 'samples' or 'valid'")
        function = losses.named(chosen) if isinstance(chosen, str) else chosen
        if isinstance(function, type) or not hasattr(function, "check_targets"):
            raise UsageError(f"Loss(kind={kind!r}): give a name, or an instance of a loss's class")
        for name, value in (
            ("function", function),
            ("batch", batch),
            ("outputs", outputs),
            ("scale", scale),
        ):
            object.__setattr__(self, name, value)
        check_fields(self)
        finite("Loss", scale=scale)
        if batch == "valid" and not function.IGNORES:
            raise UsageError(
                f"Loss({function.name!r}, batch='valid'): it ignores no labels; give 'mean', or "
                "masked_categorical_cross_entropy"
            )

    @property
    def kind(self) -> str:
        """The name of the loss."""
        return self.function.name

    @property
    def averaged(self) -> bool:
        """Whether it is some mean over the batch."""
        return self.batch != "sum"

    def divisor(self, counted: int, outputs: int) -> int:
        """What the sum over all elements is divided by, before ``scale`` multiplies it.

        ``counted``: what a mean over the batch counts, as `Network.counted` says.
        """
        by_output = self.outputs == "mean" and not self.function.BY_ROW
        return (counted if self.averaged else 1) * (outputs if by_output else 1)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into this loss."""
        described = {"batch": self.batch, "outputs": self.outputs, "scale": self.scale}
        return {"kind": losses.to_json(self.function), **described}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Loss:
        """The loss that `to_json` described."""
        return cls(**{**described, "kind": losses.from_json(described["kind"])})
