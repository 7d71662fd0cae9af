"""masked_categorical_cross_entropy: of one-hot rows; a row of zeros is a label that is ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.certified_values import stacked
from backproof.mathematics.losses import LossFunction, Values
from backproof.mathematics.losses.categorical_cross_entropy import CategoricalCrossEntropy

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding

# What an ignored label is called in Keras and in PyTorch.
IGNORED_BY_KERAS, IGNORED_BY_TORCH = -1, -100


@dataclass(frozen=True)
class MaskedCategoricalCrossEntropy(CategoricalCrossEntropy):
    """Of classes, one for each row or position, of which some are ignored: padding, a prompt.

    Targets are one-hot; a row of zeros takes no part: its loss and its derivative are exactly 0.
    `Loss` with ``batch="valid"`` takes the mean over the others.
    """

    name: ClassVar[str] = "masked_categorical_cross_entropy"
    IGNORES: ClassVar[bool] = True

    def latex(self) -> tuple[str, str, str]:
        element = r"-(Y \odot \log A)\, \mathbf{1}"
        return element, r"(Y\, \mathbf{1} \mathbf{1}^\top) \odot A - Y", ""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        rows, slope = super().value(z, a, filled(y))
        kept = self.valid(y)[:, None]
        return rows * kept, slope * kept

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        rows, _ = super().other_value(z, a, y)
        return rows, a * self.valid(y)[:, None] - y

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """Of an ignored row nothing is computed, or it is multiplied by 0: exact."""
        kept = self.valid(y.value)[:, None]
        found = super().ball(z, a, Ball(filled(y.value), y.radius), rounding)
        rows, slope = (
            Ball(each.value * kept, None if each.radius is None else np.where(kept, each.radius, 0))
            for each in found
        )
        return rows, slope

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """As `value`; a sum over no class is 0."""
        rows, _ = super().certified(z, a, y)
        pairs = zip(a.by_row(list), y.by_row(list), strict=True)
        slope = [
            [p * sum(targets) - t for p, t in zip(row, targets, strict=True)]
            for row, targets in pairs
        ]
        return rows, stacked(slope)

    def check_targets(self, y: Values) -> str | None:
        """One-hot, or all zeros; not all of them ignored."""
        off = ((y != 0) & (y != 1)).any(axis=1) | (y.sum(axis=1) > 1)
        if off.any():
            row = int(np.flatnonzero(off)[0])
            return (
                f"row {row} of the targets is {y[row].tolist()}: give one_hot, or zeros where the "
                "label is ignored"
            )
        if not y.any():
            return "all labels are ignored: give one at least that is not"
        return None

    def terms(self, y: Values) -> int:
        """One for each row; code may add the zeros of those ignored."""
        return len(y)

    def keras(self) -> Any:
        import keras

        def rows(z: Any, y: Any) -> Any:
            labels = keras.ops.argmax(y, axis=-1)
            kept = keras.ops.any(y != 0, axis=-1)
            labels = keras.ops.where(kept, labels, IGNORED_BY_KERAS)
            return keras.losses.sparse_categorical_crossentropy(
                labels, z, from_logits=True, ignore_class=IGNORED_BY_KERAS
            )

        return rows

    def torch(self) -> Any:
        import torch.nn.functional as F

        def rows(z: Any, y: Any) -> Any:
            labels = y.argmax(dim=1).masked_fill((y == 0).all(dim=1), IGNORED_BY_TORCH)
            return F.cross_entropy(z, labels, ignore_index=IGNORED_BY_TORCH, reduction="none")

        return rows

    def jax(self) -> Any:
        import jax
        import jax.numpy as jnp

        def rows(z: Any, y: Any) -> Any:
            labels = jnp.argmax(y, axis=1)[:, None]
            found = -jnp.take_along_axis(jax.nn.log_softmax(z, axis=1), labels, axis=1)[:, 0]
            return jnp.where((y != 0).any(axis=1), found, 0)

        return rows

    def of_outputs(self) -> LossFunction | None:
        return None


def filled(y: Values) -> Values:
    """The targets, the first class where a row is ignored."""
    found = y.copy()
    found[~y.any(axis=1), 0] = 1
    return found


PART = MaskedCategoricalCrossEntropy
