"""squared_error: (a − y)² for each output; derivative 2(a − y)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from backproof.mathematics.losses import LossFunction, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.balls.ball import Ball
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.losses import Decision


@dataclass(frozen=True)
class SquaredError(LossFunction):
    """For any targets; a half of it is written as the scale of the loss."""

    name: ClassVar[str] = "squared_error"
    ACTIVATION: ClassVar[str | None] = None
    BY_ROW: ClassVar[bool] = False
    DECISION: ClassVar[Decision | None] = None
    LABELS: ClassVar[tuple[float, float] | None] = None

    def latex(self) -> tuple[str, str, str]:
        """The element, and its derivative by A."""
        return "(A - Y)^2", r"2\, (A - Y)", ""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """(a − y)² and 2(a − y)."""
        difference = a - y
        return difference * difference, 2 * difference

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """By the rules of difference and product; doubling is exact."""
        difference = a.minus(y, rounding)
        return difference.times(difference, rounding), difference.doubled()

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """As `value`."""
        difference = a.zip(lambda x, t: x - t, y)
        return difference.map(lambda d: d * d), difference.map(lambda d: 2 * d)

    def check_targets(self, y: Values) -> str | None:
        """Any target will do."""
        return None

    def terms(self, y: Values) -> int:
        """One for each output."""
        return y.size

    def keras(self) -> Any:
        import keras

        own = keras.losses.MeanSquaredError(reduction=None)
        return lambda outputs, targets: own(targets, outputs)

    def torch(self) -> Any:
        import torch.nn.functional as F

        return partial(F.mse_loss, reduction="none")

    def jax(self) -> Any:
        import jax.numpy as jnp

        return lambda a, y: jnp.square(a - y)


PART = SquaredError
