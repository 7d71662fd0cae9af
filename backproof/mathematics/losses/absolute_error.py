"""absolute_error: |a − y| for each output; derivative sign(a − y), 0 where they are equal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.losses import LossFunction, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.losses import Decision


@dataclass(frozen=True)
class AbsoluteError(LossFunction):
    """For any targets."""

    name: ClassVar[str] = "absolute_error"
    ACTIVATION: ClassVar[str | None] = None
    BY_ROW: ClassVar[bool] = False
    DECISION: ClassVar[Decision | None] = None
    LABELS: ClassVar[tuple[float, float] | None] = None
    AT_KINK: ClassVar[tuple[float, ...]] = (1.0, 0.0)

    def latex(self) -> tuple[str, str, str]:
        """The element, and its derivative by A."""
        return "|A - Y|", r"\mathrm{sign}(A - Y)", ""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """|a − y| and its sign."""
        difference = a - y
        return np.abs(difference), np.sign(difference)

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """By the rule of the difference; where its sign is in doubt, each of −1, 0 and 1 may be.

        At an exact 0 the slope is 0, or what the model says; JAX's is 1.
        """
        difference = a.minus(y, rounding)
        assert difference.radius is not None
        rows = Ball(np.abs(difference.value), difference.radius)
        open_kink = (difference.radius != 0) | (self.name in rounding.kinks)
        doubtful = ~(np.abs(difference.value) > 2 * difference.radius) & open_kink
        if rounding.same_branches:
            doubtful &= ~np.isfinite(difference.radius)
        slope = np.sign(difference.value)
        exact = (difference.value == 0) & (difference.radius == 0)
        slope[exact] = 2 * rounding.at_kink(self.name, 0.5) - 1
        return rows, Ball(slope, 2.0 * doubtful)

    def on_side(self, a: Values, of: Values, y: Values) -> Values:
        """Where a − y has another sign than that of ``of``, the a next to y on its side, or y."""
        side = np.sign(of - y)
        return np.where(np.sign(a - y) == side, a, np.nextafter(y, y + side))

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """As `value`; where the sign is open, the hull of both."""
        difference = a.zip(lambda x, t: x - t, y)

        def sign(d: arb) -> arb:
            if d > 0 or d < 0:
                return arb(1 if d > 0 else -1)
            return arb(0) if d.is_zero() else arb(0, 1)

        return difference.map(abs), difference.map(sign)

    def check_targets(self, y: Values) -> str | None:
        """Any target will do."""
        return None

    def terms(self, y: Values) -> int:
        """One for each output."""
        return y.size

    def keras(self) -> Any:
        import keras

        own = keras.losses.MeanAbsoluteError(reduction=None)
        return lambda outputs, targets: own(targets, outputs)

    def torch(self) -> Any:
        import torch.nn.functional as F

        return partial(F.l1_loss, reduction="none")

    def jax(self) -> Any:
        import jax.numpy as jnp

        return lambda a, y: jnp.abs(a - y)


PART = AbsoluteError
