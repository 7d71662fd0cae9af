"""smoothed_binary_cross_entropy: of the targets y·(1 − s) + s/2, as Keras has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.latex import complement, shown
from backproof.mathematics.losses import LossFunction, Values
from backproof.mathematics.losses.binary_cross_entropy import BinaryCrossEntropy
from backproof.mathematics.losses.smoothed_categorical_cross_entropy import (
    ROUNDINGS,
    check_smoothing,
    smoothed,
    smoothed_certified,
)

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding


@dataclass(frozen=True)
class SmoothedBinaryCrossEntropy(BinaryCrossEntropy):
    """With a share ``label_smoothing`` of each target spread over both classes."""

    label_smoothing: float = 0.1

    name: ClassVar[str] = "smoothed_binary_cross_entropy"

    def __post_init__(self) -> None:
        check_smoothing(self)

    def latex(self) -> tuple[str, str, str]:
        share = self.label_smoothing
        targets = rf"({shown(complement(share))}\, Y + {shown(share / 2)})"
        element = rf"-{targets} \odot \log A - (1 - {targets}) \odot \log(1 - A)"
        return element, rf"A - {targets}", ""

    def _targets(self, y: Values) -> Values:
        return smoothed(y, self.label_smoothing, 2)

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        return super().value(z, a, self._targets(y))

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        return super().other_value(z, a, self._targets(y))

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """As for any soft targets; each rounds as `ROUNDINGS` says, and moves y·z and a − y."""
        targets = Ball(self._targets(y.value), None)
        rows, slope = super().ball(z, a, targets, rounding)
        gamma = SLACK * rounding.gamma(ROUNDINGS)
        assert rows.radius is not None
        assert slope.radius is not None
        moved = gamma * (targets.value * z.magnitude + rows.magnitude)
        own = gamma * targets.value
        return Ball(rows.value, rows.radius + moved), Ball(slope.value, slope.radius + own)

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        return super().certified(z, a, smoothed_certified(y, self.label_smoothing, 2))

    def terms(self, y: Values) -> int:
        """Two for each output, for none of its targets is 0 or 1."""
        return 2 * y.size

    def keras(self) -> Any:
        import keras

        own = keras.losses.BinaryCrossentropy(
            from_logits=True, label_smoothing=self.label_smoothing, reduction=None
        )
        return lambda outputs, targets: own(targets, outputs)

    def torch(self) -> Any:
        plain, share = super().torch(), self.label_smoothing
        return lambda z, y: plain(z, y * (1 - share) + share / 2)

    def jax(self) -> Any:
        plain, share = super().jax(), self.label_smoothing
        return lambda z, y: plain(z, y * (1 - share) + share / 2)

    def of_outputs(self) -> LossFunction | None:
        return None

    def rounded_steps(self) -> Mapping[str, Callable[[Rounding, Ball, Ball], Values]]:
        return {}


PART = SmoothedBinaryCrossEntropy
