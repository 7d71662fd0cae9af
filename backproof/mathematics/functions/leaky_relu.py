"""leaky_relu: f(z) = z for z > 0, else alpha·z; slope alpha at z = 0 (as Keras and PyTorch do)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values, exactly_at, side_of_zero
from backproof.mathematics.latex import times

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified

# Those of examples: the usual one, and to 1 and beyond.
SLOPES = (0.01, 0.3, 1.0, 1.7)


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """The leaky rectifier; JAX's slope at 0 is 1.

    Source: Maas et al., Rectifier nonlinearities improve neural network acoustic models, ICML 2013.
    """

    name: ClassVar[str] = "leaky_relu"
    PIECEWISE_LINEAR: ClassVar[bool] = True
    AT_KINK: ClassVar[tuple[float, ...]] = (0.5, 1.0)
    alpha: float = 0.01

    def latex(self) -> tuple[str, str]:
        alpha = times(self.alpha)
        return rf"[Z > 0] \odot Z + {alpha}[Z \le 0] \odot Z", rf"[Z > 0] + {alpha}[Z \le 0]"

    def value(self, z: Values) -> Values:
        return np.where(z > 0, z, self.alpha * z)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return np.where(z > 0, cotangent, self.alpha * cotangent)

    def on_side(self, z: Values, of: Values) -> Values:
        return side_of_zero(z, of)

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """r_z times the steepest slope within reach, and what alpha·z rounds.

        Alpha is held with a relative error of u, and the product rounds once: γ₂ at the size of
        alpha·z, wherever some implementation may take that branch. In any form also as
        ½(1 + alpha)·z + ½(1 − alpha)·|z|: of two terms of at most max(1, |alpha|)·|z|, each rounds
        four times.
        """
        above, below = sides(z, rounding)
        alpha = abs(self.alpha)
        known = rounding.gamma(2) + rounding.held(1)
        radius = below * (alpha * known * SLACK * z.magnitude)
        radius += rounding.eta * (below & (z.magnitude > 0))
        if z.radius is not None:
            radius += SLACK * z.radius * np.maximum(above, alpha * below)
        if rounding.any_form:
            radius += self._in_one_formula(z.magnitude, rounding)
        return Ball(self.value(z.value), radius)

    def _in_one_formula(self, size: Values, rounding: Rounding) -> Values:
        """What the two terms of a formula with |z| round at that size."""
        own = rounding.gamma(4) * 2 * max(1.0, abs(self.alpha)) * SLACK * size
        result: Values = own + 2 * rounding.eta * (size > 0)
        return result

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """r_g times the slope, γ₂ at the size of alpha·g; in doubt both slopes, |1 − alpha|·m_g.

        For ĝ·ŝ − G·S with ŝ and S on either side: |ŝ|·|ĝ − G| + |ŝ − S|·|G|, and likewise with the
        sides exchanged. Where r_z = 0, z is what it is, and the slope at an exact 0 is alpha, or 1,
        or what the model says. In any form it is ½(1 + alpha) ± ½(1 − alpha), as for the value.
        """
        above, below = sides(z, rounding)
        above |= (z.value == 0) & (self.name in rounding.kinks)
        alpha, size = abs(self.alpha), cotangent.magnitude
        radius = below * (alpha * (rounding.gamma(2) + rounding.held(1)) * SLACK * size)
        radius += rounding.eta * (below & (size > 0))
        if cotangent.radius is not None:
            radius += SLACK * cotangent.radius * np.maximum(above, alpha * below)
        radius += (above & below) * (SLACK * abs(1 - self.alpha) * size)
        value = self.vjp(z.value, a.value, cotangent.value)
        if rounding.any_form:
            radius += self._in_one_formula(size, rounding)
        if share := rounding.at_kink(self.name, 0.0):
            kink, slope = exactly_at(z, 0.0), self.alpha + share * (1 - self.alpha)
            value = np.where(kink, slope * cotangent.value, value)
            if cotangent.radius is not None:
                radius += kink * cotangent.radius * (SLACK * abs(slope))
        return Ball(value, radius)

    def certified(self, z: Certified) -> Certified:
        """In one formula for both sides: z⁺ − alpha·(−z)⁺."""
        alpha = arb(self.alpha)
        return z.map(lambda x: x.nonnegative_part() - alpha * (-x).nonnegative_part())

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        alpha = arb(self.alpha)

        def pulled(x: arb, g: arb) -> arb:
            if x > 0:
                return g
            return g * alpha if x <= 0 else g.union(g * alpha)

        return z.zip(pulled, cotangent)

    @classmethod
    def examples(cls) -> tuple[LeakyRelu, ...]:
        return tuple(cls(alpha) for alpha in SLOPES)

    def keras(self) -> Any:
        """In float64 in Keras's operations: TensorFlow keeps the slope of its own in float32."""
        import keras

        if keras.config.floatx() == "float64":
            return lambda z: keras.ops.where(z > 0, z, self.alpha * z)
        return lambda z: keras.activations.leaky_relu(z, self.alpha)

    def torch(self) -> Any:
        from torch import nn

        return nn.LeakyReLU(self.alpha)

    def jax(self) -> Any:
        import jax

        return lambda z: jax.nn.leaky_relu(z, self.alpha)


def sides(z: Ball, rounding: Rounding) -> tuple[np.ndarray, np.ndarray]:
    """Where some z within reach may be positive, and where some may not be: both, in doubt.

    The value, the exact result and any implementation's are within 2r of each other. A radius that
    is not a number settles nothing. On a settled side the definition goes on beyond the kink.
    """
    reach = np.zeros_like(z.value) if z.radius is None else 2 * z.radius
    above, below = ~(z.value + reach <= 0), ~(z.value - reach > 0)
    if rounding.same_branches:
        known, up = np.isfinite(z.value + reach), z.value > 0
        above, below = np.where(known, up, above), np.where(known, ~up, below)
    return above, below


PART = LeakyRelu
