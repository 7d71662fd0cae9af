"""relu6: f(z) = min(max(z, 0), 6), with slope 0 at z = 0 and at z = 6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions.hard_sigmoid import Clipped


@dataclass(frozen=True)
class Relu6(Clipped):
    """The rectifier cut off at 6, which rounds nothing.

    Source: Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010.
    """

    name: ClassVar[str] = "relu6"
    TOP: ClassVar[float] = 6.0

    def latex(self) -> tuple[str, str]:
        return r"\max(Z, 0) - \max(Z - 6, 0)", "[Z > 0] - [Z > 6]"

    @property
    def line(self) -> tuple[float, float]:
        return 1.0, 0.0

    def inner(self, z: Ball, rounding: Rounding) -> Ball:
        return z

    def keras(self) -> Any:
        return "relu6"

    def torch(self) -> Any:
        from torch import nn

        return nn.ReLU6()

    def jax(self) -> Any:
        import jax

        return jax.nn.relu6


PART = Relu6
