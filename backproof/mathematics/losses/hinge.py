"""hinge: max(1 − y·a, 0) for each output and target y = ±1; derivative −y where y·a < 1, else 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.losses import LossFunction, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.losses import Decision


@dataclass(frozen=True)
class Hinge(LossFunction):
    """For targets of −1 and 1."""

    name: ClassVar[str] = "hinge"
    ACTIVATION: ClassVar[str | None] = None
    BY_ROW: ClassVar[bool] = False
    DECISION: ClassVar[Decision | None] = "sign"
    LABELS: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)
    AT_KINK: ClassVar[tuple[float, ...]] = (0.5, 1.0)

    def latex(self) -> tuple[str, str, str]:
        """The element, and its derivative by A."""
        return r"\max(1 - Y \odot A, 0)", r"-Y \odot [Y \odot A < 1]", ""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """At y·a = 1 the derivative is 0, as that of relu(1 − y·a)."""
        margin = 1 - y * a
        return np.maximum(margin, 0), -y * (margin > 0)

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """y·a is exact for y = ±1, 1 − y·a by the rule of the difference; then as the relu's rules.

        In doubt, where |1 − y·a| ≤ 2r, the derivative may be −y or 0. TensorFlow's maximum and
        PyTorch's clamp pass it at an exact 0 too; or the model says which share passes.
        """
        flipped = Ball(y.value * a.value, a.radius)
        margin = Ball(np.ones_like(a.value), None).minus(flipped, rounding)
        assert margin.radius is not None
        rows = Ball(
            np.maximum(margin.value, 0), margin.radius * ~(margin.value + 2 * margin.radius <= 0)
        )
        open_kink = (margin.radius != 0) | (self.name in rounding.kinks)
        doubtful = ~(np.abs(margin.value) > 2 * margin.radius) & open_kink
        if rounding.same_branches:
            doubtful &= ~np.isfinite(margin.radius)
        passes = (margin.value > 0).astype(np.float64)
        if share := rounding.at_kink(self.name, 0.0):
            passes[(margin.value == 0) & (margin.radius == 0)] = share
        return rows, Ball(-y.value * passes, doubtful * SLACK)

    def on_side(self, a: Values, of: Values, y: Values) -> Values:
        """Where 1 − y·a has another sign than that of ``of``, the a next to the kink, or on it."""
        above, here = y * of < 1, y * a < 1
        return np.asarray(np.where(above == here, a, y * (1 - 2.0**-52 * above)))

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """As `value`; where the margin is open, the hull of both derivatives."""
        margin = a.zip(lambda x, t: 1 - t * x, y)

        def slope(m: arb, t: arb) -> arb:
            if m > 0:
                return -t
            return t * 0 if m <= 0 else (-t).union(arb(0))

        return margin.map(lambda m: m.nonnegative_part()), margin.zip(slope, y)

    def check_targets(self, y: Values) -> str | None:
        """Targets are −1 or 1."""
        other = np.abs(y) != 1
        return f"target {y[other][0]} is neither −1 nor 1" if other.any() else None

    def terms(self, y: Values) -> int:
        """One for each output."""
        return y.size

    def keras(self) -> Any:
        import keras

        own = keras.losses.Hinge(reduction=None)
        return lambda outputs, targets: own(targets, outputs)

    def torch(self) -> Any:
        import torch

        return lambda a, y: torch.clamp(1 - y * a, min=0)

    def jax(self) -> Any:
        import jax

        return lambda a, y: jax.nn.relu(1 - y * a)


PART = Hinge
