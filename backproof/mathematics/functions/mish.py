"""mish: f(z) = z·tanh(log(1 + e^z))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values
from backproof.mathematics.functions.sigmoid import expit
from backproof.mathematics.functions.softplus import own
from backproof.mathematics.functions.swish import absolute
from backproof.mathematics.functions.swish import charge as of_sigmoid

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified

# Bounds, which a test proves with Arb: of |f′|, of |f″| and of |f‴|.
STEEPEST, BENT, TWISTED = 1.089, 0.645, 0.589


@dataclass(frozen=True)
class Mish(Activation):
    """A self-regularised rectifier. Source: Misra, BMVC 2020 (arXiv:1908.08681).

    With e = e^z the weight of z is also (e² + 2e)/(e² + 2e + 2). In the usual form its logarithm
    loses digits below 0, so that the weight is charged at the size of 1.
    """

    name: ClassVar[str] = "mish"

    def latex(self) -> tuple[str, str]:
        weight = r"\tanh(\log(1 + e^{Z}))"
        slope = rf"{weight} + Z \odot (1 - {weight}^2) \odot \frac{{1}}{{1 + e^{{-Z}}}}"
        return rf"Z \odot {weight}", slope

    def value(self, z: Values) -> Values:
        result: Values = z * np.tanh(np.logaddexp(z.dtype.type(0), z))
        return result

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        t = np.tanh(np.logaddexp(z.dtype.type(0), z))
        result: Values = cotangent * (t + z * (1 - t * t) * expit(z))
        return result

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """r_z times the steepest slope within reach, and the error of the weight at the size of z.

        The slope within 2r is at most |f′(z)| + 2r·sup |f″|.
        """
        high = z.value + z.reach
        weight = np.tanh(np.logaddexp(0, high))
        error = weighing(high, rounding) + rounding.unit * weight
        radius = z.magnitude * (SLACK * error * (1 + 8 * rounding.unit))
        radius += 3 * rounding.eta * (1 + z.magnitude) * (z.magnitude > 0)
        if z.radius is not None:
            slope = np.abs(slopes(z.value)[0])
            radius += SLACK * z.radius * np.minimum(slope + 2 * BENT * z.radius, STEEPEST)
        return Ball(self.value(z.value), radius)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """g·f′, which moves by r_z times |f″(z)| + 2r·sup |f‴|; its terms round by themselves.

        T + z·(1 − T²)·σ: T as in `weighing`; 1 − T² errs by twice that times T, and by u for the
        square and the difference; σ by its charge; five roundings of products and the sum.
        """
        unit = rounding.unit
        slope, bent = slopes(z.value)
        high = z.value + z.reach
        size = z.magnitude
        t, s = np.tanh(np.logaddexp(0, high)), expit(high)
        error = weighing(high, rounding)
        square = 1 - np.tanh(np.logaddexp(0, z.value - z.reach)) ** 2
        with np.errstate(all="ignore"):
            term = np.nan_to_num(size * s * square)
        radius = error + 5 * unit * (t + term)
        radius += size * s * (2 * t * error + error * error + 2 * unit)
        radius += term * of_sigmoid(rounding) + size * absolute(rounding)
        radius *= SLACK * (1 + 16 * unit)
        if z.radius is not None:
            radius += SLACK * z.radius * np.minimum(np.abs(bent) + 2 * TWISTED * z.radius, BENT)
        eta = rounding.eta * (4 + 3 * size)
        pulled = cotangent.times(Ball(slope, radius + eta), rounding)
        assert pulled.radius is not None
        pulled.radius += eta * (cotangent.magnitude > 0)
        return pulled

    def certified(self, z: Certified) -> Certified:
        return z.map(lambda x: x * weights(x)[0])

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        def pulled(x: arb, g: arb) -> arb:
            t, rest = weights(x)
            return g * (t + x * rest * (1 + t) / (1 + (-x).exp()))

        return z.zip(pulled, cotangent)

    def keras(self) -> Any:
        return "mish"

    def torch(self) -> Any:
        from torch import nn

        return nn.Mish()

    def jax(self) -> Any:
        import jax

        return jax.nn.mish


def weighing(z: Values, rounding: Rounding) -> Values:
    """How far a computed weight tanh(softplus(z)) may be off.

    By the charge on tanh, and by what the softplus rounds, for tanh′ ≤ 1. As a quotient of
    e² + 2e: by twice the charge on exp, and eight roundings, at its own size.
    """
    weight = np.tanh(np.logaddexp(0, z))
    of_quotient = (2 * rounding.charge("exp") + 8 * rounding.unit) * weight
    # Beyond 20 tanh′ has made nothing of it: 1 − tanh² ≤ 4·e^(−2·softplus).
    damped = np.minimum(1, 4 * np.exp(-2 * np.maximum(z, 0)))
    of_softplus = own(z, rounding) * damped
    of_tanh = rounding.charge("tanh") * (weight + of_softplus) + of_softplus
    result: Values = np.maximum(of_quotient, of_tanh)
    return result


def slopes(z: Values) -> tuple[Values, Values]:
    """f′ and f″, with w = softplus(z): T = tanh w, T′ = (1 − T²)σ, T″ = (1 − T²)σ(1 − σ − 2Tσ)."""
    t, s = np.tanh(np.logaddexp(0, z)), expit(z)
    # 1 − T² keeps its digits as 4q/(1 + q)² with q = e^(−2w) = σ(−z)².
    q = expit(-z) ** 2
    first = 4 * q / (1 + q) ** 2 * s
    second = first * (expit(-z) - 2 * t * s)
    with np.errstate(all="ignore"):
        return t + np.nan_to_num(z * first), np.nan_to_num(2 * first + z * second)


def weights(x: arb) -> tuple[arb, arb]:
    """tanh(softplus(x)) and 1 less it."""
    e = x.exp()
    grown = e * (e + 2)
    return grown / (grown + 2), 2 / (grown + 2)


PART = Mish
