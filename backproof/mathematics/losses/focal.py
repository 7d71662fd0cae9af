"""focal: w·(1 − p)^γ·(softplus(z) − y·z) for each logit z, with p the probability of the target.

p = y·σ(z) + (1 − y)·(1 − σ(z)), and w = α·y + (1 − α)·(1 − y). Source: Lin, Goyal, Girshick, He and
Dollár, Focal loss for dense object detection, ICCV 2017; of targets between 0 and 1 as torchvision
has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb
from scipy.special import expit

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.running_means import POWER
from backproof.mathematics.checking import finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import complement, shown
from backproof.mathematics.losses import LossFunction, Values
from backproof.mathematics.losses.binary_cross_entropy import BinaryCrossEntropy

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding


@dataclass(frozen=True)
class Focal(BinaryCrossEntropy):
    """Cross-entropy of logits that counts what is known already for little.

    ``gamma``: how little; 0, or 1 and more. ``alpha``: the weight of targets of 1, that of 0 being
    1 − alpha; 0.5 with twice the scale of the loss is no weight.
    """

    gamma: float = 2.0
    alpha: float = 0.25

    name: ClassVar[str] = "focal"
    through_factor: ClassVar[bool] = True
    """Whether the derivative goes through the factor (1 − p)^γ too."""

    def __post_init__(self) -> None:
        finite("Focal", gamma=self.gamma, alpha=self.alpha)
        if not (self.gamma == 0 or self.gamma >= 1) or not 0 <= self.alpha <= 1:
            raise UsageError(f"{self}: gamma is 0, or 1 or more; alpha lies in [0, 1]")

    def latex(self) -> tuple[str, str, str]:
        gamma, alpha, rest = shown(self.gamma), shown(self.alpha), shown(complement(self.alpha))
        weight = rf"({alpha}\, Y + {rest}\, (1 - Y))"
        missed = r"(Y \odot (1 - A) + (1 - Y) \odot A)"
        logs = r"(Y \odot \log A + (1 - Y) \odot \log(1 - A))"
        element = rf"-{weight} \odot {missed}^{{{gamma}}} \odot {logs}"
        through = rf"{gamma}\, {missed}^{{{shown(-complement(self.gamma))}}}"
        slope = rf"{weight} \odot {missed}^{{{gamma}}} \odot (A - Y)"
        if self.gamma and self.through_factor:
            slope += (
                rf" - {weight} \odot {through} \odot (1 - 2\, Y) \odot A \odot (1 - A) "
                rf"\odot {logs}"
            )
        return element, slope, ""

    def _weight(self, y: Values) -> Values:
        one = y.dtype.type(1)
        weight: Values = y.dtype.type(self.alpha) * y + y.dtype.type(1 - self.alpha) * (one - y)
        return weight

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """With 1 − p = y·σ(−z) + (1 − y)·σ(z), which keeps its digits where it is small."""
        entropy, error = super().value(z, a, y)
        rest = expit(-z)
        missed, weight = y * rest + (1 - y) * a, self._weight(y)
        gamma = y.dtype.type(self.gamma)
        factor = missed**gamma
        slope = factor * error
        if self.gamma and self.through_factor:
            slope = slope + gamma * missed ** (gamma - 1) * (1 - 2 * y) * a * rest * entropy
        return weight * factor * entropy, weight * slope

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """By p itself, as torchvision has it."""
        entropy, error = super().other_value(z, a, y)
        p, weight = y * a + (1 - y) * (1 - a), self._weight(y)
        gamma = y.dtype.type(self.gamma)
        factor = (1 - p) ** gamma
        slope = error * factor
        if self.gamma and self.through_factor:
            slope = slope - entropy * gamma * (1 - p) ** (gamma - 1) * (2 * y - 1) * (a * (1 - a))
        return entropy * factor * weight, slope * weight

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """By the balls of the cross-entropy and of 1 − p, to the power of γ and of γ − 1.

        1 − p, of p = y·a + (1 − y)·(1 − a), rounds six times at the size of 1 at most, and moves by
        no more than a does. Where it is small, that is all that is known of it, for so the usual
        forms have it; and of the error a − y, written as p − 1. Of (1 − 2y), four roundings of 1.
        """
        entropy, error = super().ball(z, a, y, rounding)
        unit = rounding.unit
        moved = np.zeros_like(a.value) if a.radius is None else a.radius
        rest = Ball(expit(-z.value), SLACK * (moved + 2 * unit))
        missed = y.value * rest.value + (1 - y.value) * a.value
        doubt = SLACK * (moved + 6 * unit)
        weight = self._weight(y.value)
        held = rounding.gamma(4) + rounding.held(2)
        weighted = Ball(weight, SLACK * held * weight)
        assert error.radius is not None
        error = Ball(error.value, error.radius + doubt)
        factor = self._power(missed, doubt, self.gamma, rounding)
        rows = entropy.times(factor, rounding).times(weighted, rounding)
        slope = factor.times(error, rounding)
        if self.gamma and self.through_factor:
            sign = Ball(1 - 2 * y.value, np.full_like(missed, 4 * unit))
            known = rounding.gamma(2) + rounding.held(1)
            gamma = Ball(np.full_like(missed, self.gamma), np.full_like(missed, known * self.gamma))
            through = self._power(missed, doubt, self.gamma - 1, rounding).times(gamma, rounding)
            for each in (sign, a.times(rest, rounding), entropy):
                through = through.times(each, rounding)
            slope = slope.plus(through, rounding)
        return rows, slope.times(weighted, rounding)

    def _power(self, x: Values, doubt: Values, exponent: float, rounding: Rounding) -> Ball:
        """x to the power of the exponent, with x in doubt by so much, but never below 0.

        Monotone in x. A power errs by `POWER` roundings, and by x^e·|e·log x| of what the exponent
        is held to, which grows with x up to 1/exp(1), at exp(−1/e).
        """
        if not exponent:
            return Ball(np.ones_like(x), None)
        value, most = x**exponent, x + 2 * doubt
        high, low = most**exponent, np.maximum(x - 2 * doubt, 0) ** exponent
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.where(most > 0, high * exponent * np.abs(np.log(most)), 0)
        size = np.where(most < np.exp(-1 / exponent), size, np.exp(-1.0))
        held = rounding.unit + rounding.held(1)
        radius = np.maximum(high - value, value - low)
        radius += POWER * rounding.unit * high + held * size
        return Ball(value, SLACK * radius + rounding.eta)

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """As `value`, with more bits than what cancels takes."""
        entropy, error = super().certified(z, a, y)
        gamma, alpha = arb(self.gamma), arb(self.alpha)
        weight = y.map(lambda t: alpha * t + (1 - alpha) * (1 - t))
        missed = a.zip(lambda p, t: t * (1 - p) + (1 - t) * p, y)
        factor = missed.map(lambda q: q**gamma)
        slope = factor.zip(lambda f, e: f * e, error)
        if self.gamma and self.through_factor:
            through = missed.map(lambda q: gamma * q ** (gamma - 1))
            through = through.zip(lambda q, t: q * (1 - 2 * t), y)
            through = through.zip(lambda q, p: q * p * (1 - p), a)
            slope = slope.zip(lambda s, q: s + q, through.zip(lambda q, e: q * e, entropy))
        rows = entropy.zip(lambda e, f: e * f, factor)
        times = arb.__mul__
        return rows.zip(times, weight), slope.zip(times, weight)

    def terms(self, y: Values) -> int:
        """One for each output."""
        return y.size

    def keras(self) -> Any:
        """Not Keras's own, which clips at 1e-7; the mean over the outputs is as its own has it."""
        from keras import ops

        def focal(z: Any, y: Any) -> Any:
            entropy = ops.binary_crossentropy(y, z, from_logits=True)
            return ops.mean(self._of(entropy, ops.sigmoid(z), y), axis=-1)

        return focal

    def torch(self) -> Any:
        import torch
        import torch.nn.functional as F

        def focal(z: Any, y: Any) -> Any:
            entropy = F.binary_cross_entropy_with_logits(z, y, reduction="none")
            return self._of(entropy, torch.sigmoid(z), y)

        return focal

    def jax(self) -> Any:
        import jax

        return lambda z, y: self._of(jax.nn.softplus(z) - y * z, jax.nn.sigmoid(z), y)

    def _of(self, entropy: Any, a: Any, y: Any) -> Any:
        """As array code of any framework."""
        p = y * a + (1 - y) * (1 - a)
        weight = self.alpha * y + (1 - self.alpha) * (1 - y)
        return weight * (1 - p) ** self.gamma * entropy

    def of_outputs(self) -> LossFunction | None:
        return None

    def rounded_steps(self) -> Mapping[str, Callable[[Rounding, Ball, Ball], Values]]:
        return {}


@dataclass(frozen=True)
class ConstantFactor(Focal):
    """What people write who take the factor for a constant: no derivative of any loss."""

    through_factor: ClassVar[bool] = False


PART = Focal
