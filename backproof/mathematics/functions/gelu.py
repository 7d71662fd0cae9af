"""gelu: f(z) = z·Φ(z), Φ the normal distribution; or, approximate, z·(1 + tanh w(z))/2."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import inf, pi, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import TANH_IS_ONE, Rounding
from backproof.mathematics.functions import Activation, Values
from backproof.mathematics.latex import shown

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified

CUBIC = "0.044715"
# Bounds for both forms, which a test proves with Arb: of |f′|, of |f″| and of |f‴|.
STEEPEST, BENT, TWISTED = 1.13, 0.8, 0.8
# Beyond, Φ and tanh w are 1, and powers of z may overflow, in which frameworks get 0·∞.
FAR = 40.0


@dataclass(frozen=True)
class Gelu(Activation):
    """The Gaussian error linear unit of Hendrycks and Gimpel (arXiv:1606.08415), exact or by tanh.

    For negative z the usual forms, z·(1 + erf(z/√2))/2 and z·(1 + tanh w)/2, keep few digits of
    what is nearly 0: so the weight Φ, or (1 + tanh w)/2, is charged at the size of 1.
    """

    name: ClassVar[str] = "gelu"
    approximate: bool = False

    def latex(self) -> tuple[str, str]:
        if not self.approximate:
            return r"Z \odot \Phi(Z)", r"\Phi(Z) + Z \odot \varphi(Z)"
        w = rf"\tanh(\sqrt{{2/\pi}}\, (Z + {CUBIC}\, Z^3))"
        bent = rf"\sqrt{{2/\pi}}\, (1 + {shown(3 * Decimal(CUBIC))}\, Z^2)"
        half = r"\frac{1}{2}"
        slope = rf"{half} (1 + {w}) + {half} Z \odot (1 - {w}^2) \odot {bent}"
        return rf"{half} Z \odot (1 + {w})", slope

    def value(self, z: Values) -> Values:
        return z * self._weight(z)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent * self._slopes(z)[0]

    def _weight(self, z: Values) -> Values:
        """What z is multiplied by."""
        if not self.approximate:
            return ndtr(z)
        return (np.tanh(inner(np.clip(z, -FAR, FAR))[0]) + 1) * 0.5

    def _slopes(self, z: Values) -> tuple[Values, Values]:
        """f′ and f″."""
        z = np.clip(z, -FAR, FAR)
        if not self.approximate:
            density = np.exp(z * z * -0.5) * (1 / sqrt(2 * pi))
            return ndtr(z) + z * density, density * (2 - z * z)
        w, w1 = inner(z)
        w2 = 6 * sqrt(2 / pi) * float(CUBIC) * z
        tanh = np.tanh(w)
        sech2 = 1 / np.cosh(w) ** 2
        bent = sech2 * (w1 + z * (w2 / 2 - tanh * w1 * w1))
        return (tanh + 1) * 0.5 + z * w1 * sech2 * 0.5, bent

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """r_z times the steepest slope within reach, and the error of the weight at the size of z.

        The slope within 2r is at most |f′(z)| + 2r·sup |f″|. The weight's error, with that of the
        last product, is told in `charged`.
        """
        radius = z.magnitude * (SLACK * charged(rounding, self.approximate))
        radius += 3 * rounding.eta * (z.magnitude > 0)
        if z.radius is not None:
            slope = np.abs(self._slopes(z.value)[0])
            radius += SLACK * z.radius * np.minimum(slope + 2 * BENT * z.radius, STEEPEST)
        return Ball(self.value(z.value), radius)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """g·f′, which moves by r_z times |f″(z)| + 2r·sup |f‴|; its terms round by themselves.

        Φ + z·φ(z): Φ as in `charged`; φ errs by the charge on exp and by 2.5u·z² for the square in
        its exponent; eight roundings of coefficients, products and the sum. |z|·φ is at most 0.242,
        |z|³·φ at most 0.463.

        (1 + T)/2 + z·w′·(1 − T²)/2 with T = tanh w: the first term as in `charged`. T errs by its
        charge, and by 9u·|w|·(1 − T²) for what w rounds; so 1 − T² by twice that times |T|, and by
        u. Where T is nearly 1 that is all there is of it, while z·w′ grows as z³: until T is 1 in
        every implementation, and the term is gone. Twelve roundings of the rest; |z|·w′·(1 − T²)/2
        is at most 0.242, and 0.452 with |w·T| beside it. Where z³ overflows there is no bound, for
        0·∞ is no number.
        """
        unit = rounding.unit
        slope, bent = self._slopes(z.value)
        error = charged(rounding, self.approximate)
        radius: Values
        factors: Values = z.magnitude
        if self.approximate:
            size = z.magnitude
            w, w1 = inner(size)
            lost = rounding.charge("tanh") * np.tanh(w) ** 2 + unit / 2
            nearest = np.maximum(np.abs(z.value) - (size - np.abs(z.value)), 0)
            lost *= ~(inner(nearest)[0] * (1 - 16 * unit) >= TANH_IS_ONE)
            factors = size * w1 * (lost > 0)
            radius = size * w1 * lost + (error + 9 * unit)
            radius = np.where(size**3 * rounding.tiny < 1, radius, inf)
        else:
            radius = np.full_like(slope, error + 0.25 * rounding.charge("exp") + 5 * unit)
        radius += rounding.held(4)  # what the coefficients move, as told in `charged`, and more
        radius *= SLACK * (1 + 16 * unit)
        if z.radius is not None:
            radius += SLACK * z.radius * np.minimum(np.abs(bent) + 2 * TWISTED * z.radius, BENT)
        # What underflows in one factor, or in g times some of them, is multiplied by the others.
        eta = rounding.eta * (3 + factors)
        pulled = cotangent.times(Ball(slope, radius + eta), rounding)
        assert pulled.radius is not None
        pulled.radius += eta * (cotangent.magnitude > 0)
        return pulled

    def certified(self, z: Certified) -> Certified:
        if self.approximate:
            return z.map(lambda x: x / (1 + (-2 * certified_inner(x)[0]).exp()))
        half = arb(0.5).sqrt()
        return z.map(lambda x: x * (-x * half).erfc() / 2)

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        """With 1 + tanh w = 2σ(2w) and 1 − tanh² w = 4σ(2w)·σ(−2w), which keep their digits."""
        return z.zip(lambda x, g: g * certified_slope(x, approximate=self.approximate), cotangent)

    @classmethod
    def examples(cls) -> tuple[Gelu, ...]:
        return cls(), cls(approximate=True)

    def keras(self) -> Any:
        """In float64 in Keras's operations: TensorFlow keeps √2 and 0.044715 in float32."""
        import keras

        if keras.config.floatx() != "float64":
            return lambda z: keras.activations.gelu(z, approximate=self.approximate)
        return in_keras_by_tanh if self.approximate else in_keras

    def torch(self) -> Any:
        from torch import nn

        return nn.GELU(approximate="tanh" if self.approximate else "none")

    def jax(self) -> Any:
        import jax

        return lambda z: jax.nn.gelu(z, approximate=self.approximate)


def in_keras(z: Any) -> Any:
    """As `tf.nn.gelu` has it, with √2 in the dtype of z."""
    import keras

    return 0.5 * z * (1.0 + keras.ops.erf(z / sqrt(2)))


def in_keras_by_tanh(z: Any) -> Any:
    """Likewise, with 0.044715 in the dtype of z."""
    import keras

    cube = keras.ops.power(z, 3)
    return 0.5 * z * (1.0 + keras.ops.tanh(sqrt(2 / pi) * (z + 0.044715 * cube)))


def charged(rounding: Rounding, approximate: bool) -> float:
    """How far z times a computed weight may be off, in units of z.

    Whole, by the charge on the function. As (1 + erf(t))/2 with t = z/√2, which errs by 2u: by half
    the charge on erf (charged at the size of 1) and 0.97u, for |t|·erf′(t) ≤ 0.484; then a sum and
    a product round. As erfc(−t)/2, which may be 1: by the charge on erfc, and likewise. As
    (1 + tanh w)/2: half the charge on tanh, and what w rounds: its coefficients (2u), the cube
    (4u: two products, or one pow), the other products and the sum (3u) give 9u, and
    |w|·tanh′(w) ≤ 0.448, halved. Coefficients that are held more narrowly move t once, or w twice.
    """
    unit = rounding.unit
    forms = [
        rounding.charge("gelu"),
        rounding.charge("erf") / 2 + 2.5 * unit,
        rounding.charge("erfc") + 1.5 * unit,
    ]
    if approximate:
        forms = [rounding.charge("gelu_tanh"), rounding.charge("tanh") / 2 + 4.1 * unit]
    return max(forms) * (1 + 8 * unit) + rounding.held(2) / 2


def inner(z: Values) -> tuple[Values, Values]:
    """w = √(2/π)·(z + 0.044715·z³), and its derivative."""
    k, c = sqrt(2 / pi), float(CUBIC)
    return k * (z + c * (z * z * z)), k * (1 + 3 * c * (z * z))


def ndtr(z: Values) -> Values:
    """SciPy's Φ, accurate in both tails; the import would be felt in every worker."""
    from scipy.special import ndtr

    result: Values = ndtr(z)
    return result


def certified_inner(x: arb) -> tuple[arb, arb]:
    """`inner`, with the coefficient as it is written."""
    k, c = (2 / arb.pi()).sqrt(), arb(CUBIC)
    return k * (x + c * x**3), k * (1 + 3 * c * x**2)


def certified_slope(x: arb, *, approximate: bool) -> arb:
    """f′, for z·Φ(z) or for the form with tanh."""
    if approximate:
        w, w1 = certified_inner(x)
        up, down = 1 / (1 + (-2 * w).exp()), 1 / (1 + (2 * w).exp())
        return up * (1 + 2 * x * w1 * down)
    density = (-x * x / 2).exp() / (2 * arb.pi()).sqrt()
    return (-x * arb(0.5).sqrt()).erfc() / 2 + x * density


PART = Gelu
