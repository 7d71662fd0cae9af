"""elu: f(z) = z for z > 0, else alpha·(exp(z) − 1); slope alpha at z = 0."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values, exactly_at, side_of_zero
from backproof.mathematics.functions.leaky_relu import SLOPES, sides
from backproof.mathematics.latex import times

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified


class Exponential(Activation):
    """right·z for z > 0, else left·(exp(z) − 1): what `elu` and `selu` have in common."""

    AT_KINK: ClassVar[tuple[float, ...]] = (0.5, 1.0)
    # How often right·z and left·expm1(z) round, beside expm1: coefficients held and products.
    ROUNDINGS: ClassVar[tuple[int, int]]

    @property
    @abstractmethod
    def slopes(self) -> tuple[float, float]:
        """right and left."""

    @abstractmethod
    def certified_slopes(self) -> tuple[arb, arb]:
        """The same, as exactly as they are defined."""

    def latex(self) -> tuple[str, str]:
        above, below = map(times, self.slopes)
        value = rf"{above}[Z > 0] \odot Z + {below}[Z \le 0] \odot (e^{{Z}} - 1)"
        return value, rf"{above}[Z > 0] + {below}[Z \le 0] \odot e^{{Z}}"

    def value(self, z: Values) -> Values:
        right, left = self.slopes
        return np.where(z > 0, right * z, left * np.expm1(np.minimum(z, 0)))

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        right, left = self.slopes
        return np.where(z > 0, right * cotangent, left * np.exp(np.minimum(z, 0)) * cotangent)

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """r_z times the steepest slope within reach, and what the sides within reach round.

        Below 0, with e = exp(z) and s = 1 − e, implementations take left·expm1(z), which errs by
        the charge on expm1 at s; or left·(exp(z) − 1), or left·exp(z) − left, which err by the
        charge on exp at e, and by u at e and at 1. Coefficients and products round at s. The
        slope there is at most |left|·exp(z + 2r).
        """
        above, below = sides(z, rounding)
        right, left = map(abs, self.slopes)
        to_right, to_left = map(rounding.gamma, self.ROUNDINGS)
        e, s = exponentials(z, rounding)
        of_exp = rounding.charge("exp") * e + rounding.unit * (1 + e)
        own = np.maximum(of_exp, rounding.charge("expm1") * s) * (1 + to_left) + to_left * s
        radius = SLACK * np.maximum(below * (left * own), above * (to_right * right * z.magnitude))
        # Below 0 the roundings at 1 cover what underflows.
        radius += rounding.eta * (above & (to_right > 0) & (z.magnitude > 0))
        if z.radius is not None:
            radius += SLACK * z.radius * np.maximum(above * right, below * (left * e))
        exact = True if z.radius is None else z.radius == 0
        radius[(z.value == 0) & exact] = 0  # exp(0) − 1 is 0 in every form
        return Ball(self.value(z.value), radius)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """g times the slope: right above 0, below it left·exp(z) or a + left.

        a + left has lost what a has: it is off by r_a, by the coefficient's roundings at left, and
        by u. What is taken of z is off by less, for r_a has the charge on exp and the move of z.
        In doubt all slopes between right, left and left·exp(z − 2r) may occur. TensorFlow looks at
        the sign of its a, exp(z) − 1: where that is no more than the error of exp, z is in doubt.
        """
        assert a.radius is not None
        above, below = sides(z, rounding)
        right, left = self.slopes
        to_right, to_left = (rounding.gamma(max(n - 1, 0)) for n in self.ROUNDINGS)
        e, s = exponentials(z, rounding)
        if not rounding.same_branches:
            kink = (z.value != 0) | (s > 0) | (self.name in rounding.kinks)
            above |= blurred(z, rounding) & kink
        of_left = a.radius * (1 + 4 * rounding.unit)
        of_left = of_left + abs(left) * (to_left + rounding.unit * (1 + e)) * (1 + to_left)
        radius = SLACK * np.maximum(below * of_left, above * (to_right * abs(right)))
        radius += (above & below) * (SLACK * (abs(right - left) + abs(left) * s))
        radius += (1 + 2 * abs(left)) * rounding.eta * below
        slope = np.where(z.value > 0, right, left * np.exp(np.minimum(z.value, 0)))
        if share := rounding.at_kink(self.name, 0.0):
            slope = np.where(exactly_at(z, 0.0), left + share * (right - left), slope)
        pulled = cotangent.times(Ball(slope, radius), rounding)
        assert pulled.radius is not None
        # g·exp(z) may underflow before it meets the coefficients, or g·left before it meets exp(z).
        lost = (1 + 2 * abs(left)) * rounding.eta
        pulled.radius += lost * (below & (cotangent.magnitude > 0))
        return pulled

    def on_side(self, z: Values, of: Values) -> Values:
        return side_of_zero(z, of)

    def value_steps(self, rounding: Rounding, z: Ball) -> Values:
        """Of left·(e − 1), e = exp(z) rounds, by u·e, then the difference s, and factors as held.

        The exponential may underflow, and a product with each of two factors.
        """
        above, below = sides(z, rounding)
        right, left = map(abs, self.slopes)
        factors = [2 * (roundings > 0) for roundings in self.ROUNDINGS]
        factors[1] *= left != 1
        e, s = exponentials(z, rounding)
        size: Values = np.maximum(
            below * left * (e + s * (1 + factors[1])), above * factors[0] * right * z.magnitude
        )
        return rounding.unit * size + rounding.eta * (2 + left)

    def certified(self, z: Certified) -> Certified:
        """In one formula for both sides: right·z⁺ + left·expm1(−(−z)⁺)."""
        right, left = self.certified_slopes()
        return z.map(
            lambda x: right * x.nonnegative_part() + left * (-((-x).nonnegative_part())).expm1()
        )

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        right, left = self.certified_slopes()

        def pulled(x: arb, g: arb) -> arb:
            if x > 0:
                return g * right
            below = g * left * (-((-x).nonnegative_part())).exp()
            return below if x <= 0 else below.union(g * right)

        return z.zip(pulled, cotangent)


@dataclass(frozen=True)
class Elu(Exponential):
    """The exponential linear unit.

    Source: Clevert et al., Fast and accurate deep network learning by exponential linear units,
    ICLR 2016.
    """

    name: ClassVar[str] = "elu"
    ROUNDINGS: ClassVar[tuple[int, int]] = (0, 2)
    alpha: float = 1.0

    @property
    def slopes(self) -> tuple[float, float]:
        return 1.0, self.alpha

    def certified_slopes(self) -> tuple[arb, arb]:
        return arb(1), arb(self.alpha)

    @classmethod
    def examples(cls) -> tuple[Elu, ...]:
        return tuple(cls(alpha) for alpha in SLOPES)

    def keras(self) -> Any:
        import keras

        return lambda z: keras.activations.elu(z, self.alpha)

    def torch(self) -> Any:
        from torch import nn

        return nn.ELU(self.alpha)

    def jax(self) -> Any:
        import jax

        return lambda z: jax.nn.elu(z, self.alpha)


def blurred(z: Ball, rounding: Rounding) -> np.ndarray:
    """Where the error of exp(ẑ) may be as large as exp(ẑ) − 1, whose sign then says nothing."""
    nearest = z.value if z.radius is None else z.value + 2 * z.radius
    return np.asarray(nearest >= -3 * rounding.charge("exp") - 6 * rounding.unit)


def exponentials(z: Ball, rounding: Rounding) -> tuple[Values, Values]:
    """The largest exp(ẑ) and 1 − exp(ẑ) of a ẑ ≤ 0 within reach, or beyond 0 on a settled side."""
    reach = 0.0 if z.radius is None else 2 * z.radius
    top = z.value + reach
    top = np.where(z.value > 0, 0, top) if rounding.same_branches else np.minimum(top, 0)
    return np.exp(top), -np.expm1(np.minimum(z.value - reach, 0))


PART = Elu
