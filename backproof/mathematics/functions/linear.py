"""linear: f(z) = z."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified


@dataclass(frozen=True)
class Linear(Activation):
    """The identity; nothing is rounded."""

    name: ClassVar[str] = "linear"
    PIECEWISE_LINEAR: ClassVar[bool] = True

    def latex(self) -> tuple[str, str]:
        return "Z", "1"

    def value(self, z: Values) -> Values:
        return z

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        return z

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        return cotangent

    def certified(self, z: Certified) -> Certified:
        return z

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        return cotangent

    def keras(self) -> Any:
        return "linear"

    def torch(self) -> Any:
        from torch import nn

        return nn.Identity()

    def jax(self) -> Any:
        return self.value


PART = Linear
