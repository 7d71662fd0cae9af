"""huber: ½d² for |d| ≤ delta, else delta·(|d| − ½delta), with d = a − y; derivative d, cut off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import shown
from backproof.mathematics.losses import Decision, LossFunction, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding


@dataclass(frozen=True)
class Huber(LossFunction):
    """For any targets. Source: Huber, Robust estimation of a location parameter, 1964.

    PyTorch's SmoothL1Loss is a 1/beta of it, which is written as the scale of the loss.
    """

    delta: float = 1.0

    name: ClassVar[str] = "huber"
    ACTIVATION: ClassVar[str | None] = None
    BY_ROW: ClassVar[bool] = False
    DECISION: ClassVar[Decision | None] = None
    LABELS: ClassVar[tuple[float, float] | None] = None

    def __post_init__(self) -> None:
        check_fields(self)
        finite("Huber", delta=self.delta)
        if self.delta <= 0:
            raise UsageError(f"{self}: delta is above 0")

    def latex(self) -> tuple[str, str, str]:
        """With what |d| is beyond delta, e: ½(|d| − e)² + delta·e."""
        delta = shown(self.delta)
        beyond = rf"\max(|A - Y| - {delta}, 0)"
        element = rf"\frac{{1}}{{2}} (|A - Y| - {beyond})^2 + {delta}\, {beyond}"
        slope = rf"\mathrm{{sign}}(A - Y) \odot (|A - Y| - {beyond})"
        return element, slope, ""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """Of |d| the part q up to delta: q·(|d| − ½q), which is both formulas; and ±q."""
        d = a - y
        size = np.abs(d)
        part = np.minimum(size, d.dtype.type(self.delta))
        return part * (size - part / 2), np.clip(d, -self.delta, self.delta)

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """The two formulas."""
        d = a - y
        inside = np.abs(d) <= self.delta
        rows = np.where(inside, d * d / 2, self.delta * (np.abs(d) - self.delta / 2))
        return rows, np.where(inside, d, self.delta * np.sign(d))

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """Rows have a slope of at most min(|d| + 2r, delta); the derivative moves by r at most.

        Each term, ½d² or delta·|d| and ½delta², rounds four times: delta is held, a square or a
        product, their sum. Where |d| is beyond delta the derivative is delta, as it is held.
        """
        d = a.minus(y, rounding)
        assert d.radius is not None
        gamma = rounding.gamma(4) + rounding.held(2)
        part = np.minimum(d.magnitude, self.delta)
        near = np.abs(d.value) - 2 * d.radius <= self.delta
        size = part * d.magnitude + part * part / 2
        rows, slope = self.value(z.value, d.value, np.zeros_like(d.value))
        radius = SLACK * (gamma * size + part * d.radius)
        radius += rounding.eta * (2 + self.delta) * (d.magnitude > 0)
        far = np.abs(d.value) + 2 * d.radius > self.delta
        own = SLACK * (d.radius * near + gamma * self.delta * far)
        return Ball(rows, radius), Ball(slope, own)

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """In one formula for both sides, with what is beyond delta: |d| − (|d| − delta)⁺."""
        d, delta = a.zip(lambda x, t: x - t, y), arb(self.delta)

        def row(x: arb) -> arb:
            beyond = (abs(x) - delta).nonnegative_part()
            return (abs(x) - beyond) ** 2 / 2 + delta * beyond

        def slope(x: arb) -> arb:
            return x - (x - delta).nonnegative_part() + (-x - delta).nonnegative_part()

        return d.map(row), d.map(slope)

    def check_targets(self, y: Values) -> str | None:
        """Any target will do."""
        return None

    def terms(self, y: Values) -> int:
        """One for each output."""
        return y.size

    def keras(self) -> Any:
        import keras

        own = keras.losses.Huber(self.delta, reduction=None)
        return lambda outputs, targets: own(targets, outputs)

    def torch(self) -> Any:
        import torch.nn.functional as F

        return partial(F.huber_loss, reduction="none", delta=self.delta)

    def jax(self) -> Any:
        import jax.numpy as jnp

        def huber(a: Any, y: Any) -> Any:
            size = jnp.abs(a - y)
            part = jnp.minimum(size, self.delta)
            return part * (size - part / 2)

        return huber


PART = Huber
