"""selu: f(z) = scale·z for z > 0, else scale·alpha·(exp(z) − 1); slope scale·alpha at z = 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from flint import arb

from backproof.mathematics.functions.elu import Exponential

# Klambauer et al., Self-normalizing neural networks, NIPS 2017, to the digits of all frameworks.
ALPHA = "1.6732632423543772848170429916717"
SCALE = "1.0507009873554804934193349852946"


@dataclass(frozen=True)
class Selu(Exponential):
    """The scaled exponential linear unit. TensorFlow's slope at 0 is scale."""

    name: ClassVar[str] = "selu"
    ROUNDINGS: ClassVar[tuple[int, int]] = (2, 4)

    @property
    def slopes(self) -> tuple[float, float]:
        return float(SCALE), float(SCALE) * float(ALPHA)

    def certified_slopes(self) -> tuple[arb, arb]:
        return arb(SCALE), arb(SCALE) * arb(ALPHA)

    def keras(self) -> Any:
        return "selu"

    def torch(self) -> Any:
        from torch import nn

        return nn.SELU()

    def jax(self) -> Any:
        import jax

        return jax.nn.selu


PART = Selu
