"""smoothed_categorical_cross_entropy: of the targets y·(1 − s) + s/m, with m classes.

Source: Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.checking import finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import complement, shown
from backproof.mathematics.losses import LossFunction, Values
from backproof.mathematics.losses.categorical_cross_entropy import CategoricalCrossEntropy

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding

# How often a smoothed target rounds: 1 − s and s/m are held, a product, the sum.
ROUNDINGS = 5


def check_smoothing(part: Any) -> None:
    """The share lies in [0, 1)."""
    finite(type(part).__name__, label_smoothing=part.label_smoothing)
    if not 0 <= part.label_smoothing < 1:
        raise UsageError(f"{part}: label_smoothing lies in [0, 1)")


def smoothed(y: Values, share: float, classes: int) -> Values:
    """y·(1 − share) + share/classes, in the dtype of y."""
    result: Values = y * y.dtype.type(1 - share) + y.dtype.type(share / classes)
    return result


def smoothed_certified(y: Certified, share: float, classes: int) -> Certified:
    """The same, certified."""
    return y.map(lambda t: t * (1 - arb(share)) + arb(share) / classes)


@dataclass(frozen=True)
class SmoothedCategoricalCrossEntropy(CategoricalCrossEntropy):
    """With a share ``label_smoothing`` of each target spread over all classes."""

    label_smoothing: float = 0.1

    name: ClassVar[str] = "smoothed_categorical_cross_entropy"

    def __post_init__(self) -> None:
        check_smoothing(self)

    def latex(self) -> tuple[str, str, str]:
        share = self.label_smoothing
        targets = rf"({shown(complement(share))}\, Y + {shown(share)} \cdot \frac{{1}}{{m}})"
        return rf"-({targets} \odot \log A)\, \mathbf{{1}}", rf"A - {targets}", ""

    def _targets(self, y: Values) -> Values:
        return smoothed(y, self.label_smoothing, y.shape[1])

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        return super().value(z, a, self._targets(y))

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        return super().other_value(z, a, self._targets(y))

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """As for any soft targets; each rounds as `ROUNDINGS` says.

        The terms −y·log p of a row have one sign, so that it rounds as much. In the derivative
        p·Σy − y both terms do.
        """
        targets = Ball(self._targets(y.value), None)
        rows, slope = CategoricalCrossEntropy().ball(z, a, targets, rounding)
        gamma = SLACK * rounding.gamma(ROUNDINGS)
        assert rows.radius is not None
        assert slope.radius is not None
        rows = Ball(rows.value, rows.radius + gamma * rows.magnitude)
        own = gamma * (a.magnitude + targets.magnitude)
        return rows, Ball(slope.value, slope.radius + own)

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        targets = smoothed_certified(y, self.label_smoothing, y.shape[1])
        return super().certified(z, a, targets)

    def terms(self, y: Values) -> int:
        """−y·log p for each class, for none of its targets is 0."""
        return y.size if self.label_smoothing else super().terms(y)

    def keras(self) -> Any:
        import keras

        own = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=self.label_smoothing, reduction=None
        )
        return lambda outputs, targets: own(targets, outputs)

    def torch(self) -> Any:
        import torch.nn.functional as F

        return partial(F.cross_entropy, reduction="none", label_smoothing=self.label_smoothing)

    def jax(self) -> Any:
        plain, share = super().jax(), self.label_smoothing
        return lambda z, y: plain(z, y * (1 - share) + share / y.shape[1])

    def of_outputs(self) -> LossFunction | None:
        return None

    def rounded_steps(self) -> Mapping[str, Callable[[Rounding, Ball, Ball], Values]]:
        return {}


PART = SmoothedCategoricalCrossEntropy
