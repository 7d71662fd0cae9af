"""inner_product: a·y for each output, whose derivative by a is y: y is the gradient from above.

As a network's loss it checks layers by themselves: what they take back of a gradient that is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.losses import LossFunction, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.losses import Decision

# How often the parts of a loss's coefficient may round: see `definition.sums`.
COEFFICIENT = 8


@dataclass(frozen=True)
class InnerProduct(LossFunction):
    """⟨a, y⟩ for targets y of any size and sign: the upstream gradient."""

    name: ClassVar[str] = "inner_product"
    ACTIVATION: ClassVar[str | None] = None
    BY_ROW: ClassVar[bool] = False
    DECISION: ClassVar[Decision | None] = None
    LABELS: ClassVar[tuple[float, float] | None] = None
    SIGNED: ClassVar[bool] = True

    def latex(self) -> tuple[str, str, str]:
        """The element, and its derivative by A."""
        return r"A \odot Y", "Y", ""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """a·y, and y as it is."""
        return a * y, +y

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """By the rule of the product; y is a datum.

        Elements of both signs may cancel in their sum, at whose size the definition charges the
        coefficient of the loss. Code may apply it to each element instead: so each is charged all
        that the coefficient may round, γ₈: two roundings of its scale, three of either reduction.
        """
        rows = a.times(y, rounding)
        assert rows.radius is not None
        charged = SLACK * rows.radius_with(rounding.gamma(COEFFICIENT))
        charged += COEFFICIENT * rounding.eta * ((rows.value != 0) | (rows.radius > 0))
        return Ball(rows.value, charged), y

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """As `value`."""
        return a.zip(lambda p, t: p * t, y), y

    def check_targets(self, y: Values) -> str | None:
        """Any target will do."""
        return None

    def terms(self, y: Values) -> int:
        """One for each output; of any sign, which `ball` takes into account."""
        return y.size

    def keras(self) -> Any:
        """The mean over the outputs, as Keras's own losses have it."""
        from keras import ops

        return lambda a, y: ops.mean(a * y, axis=-1)

    def torch(self) -> Any:
        return lambda a, y: a * y

    def jax(self) -> Any:
        return lambda a, y: a * y


PART = InnerProduct
