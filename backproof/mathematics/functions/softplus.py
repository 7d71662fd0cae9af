"""softplus: f(z) = log(1 + exp(z)), f′ = 1 / (1 + exp(−z))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values
from backproof.mathematics.functions.sigmoid import Sigmoid, expit

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified

SIGMOID = Sigmoid()


@dataclass(frozen=True)
class Softplus(Activation):
    """The smooth rectifier.

    PyTorch's is z itself beyond a threshold, by default 20: in float64 that is off by e⁻²⁰. From 37
    on it is right. Source: Dugas et al., Incorporating second-order functional knowledge for better
    option pricing, NIPS 2000.
    """

    name: ClassVar[str] = "softplus"

    def latex(self) -> tuple[str, str]:
        return r"\log(1 + e^{Z})", r"\frac{1}{1 + e^{-Z}}"

    def value(self, z: Values) -> Values:
        return np.logaddexp(z.dtype.type(0), z)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent * expit(z)

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """r_z · sup σ, which is at most σ(z + 2r), and the roundings of a."""
        high = z.value if z.radius is None else z.value + 2 * z.radius
        radius = SLACK * own(high, rounding) + rounding.eta
        if z.radius is not None:
            radius += SLACK * z.radius * expit(high)
        return Ball(np.logaddexp(0, z.value), radius)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """g·σ(z), by the rule of the sigmoid; or g·exp(z − a), as JAX has it.

        In that, the exponent is off by what a rounds (the move of z is the same in both), by u at
        its own size, which is softplus(−z); and exp errs by its charge, as in the sigmoid's rule.
        """
        slope = SIGMOID.ball(z, rounding)
        assert slope.radius is not None
        reach = 0.0 if z.radius is None else 2 * z.radius
        off = own(z.value + reach, rounding) + rounding.unit * np.logaddexp(0, reach - z.value)
        factor = SLACK * np.expm1(SLACK * off) * (1 + rounding.charge("exp"))
        return cotangent.times(Ball(slope.value, slope.radius + slope.magnitude * factor), rounding)

    def value_steps(self, rounding: Rounding, z: Ball) -> Values:
        """Of log1p(e), e = exp(z) rounds, by which it moves by u·σ(z), or underflows."""
        return rounding.unit * expit(z.value + z.reach) + rounding.eta

    def certified(self, z: Certified) -> Certified:
        return z.map(lambda x: x.nonnegative_part() + (-abs(x)).exp().log1p())

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        return z.zip(lambda x, g: g / (1 + (-x).exp()), cotangent)

    def keras(self) -> Any:
        return "softplus"

    def torch(self) -> Any:
        """Beyond its threshold it is z: with the usual 20, off by e⁻²⁰. 40 serves float64."""
        from torch import nn

        return nn.Softplus(threshold=40)

    def jax(self) -> Any:
        import jax

        return jax.nn.softplus


def own(z: Values, rounding: Rounding) -> Values:
    """What a softplus rounds at z, in any of its forms.

    Whole, the charge on it at a. As log1p(exp(z)), or z⁺ + log1p(exp(−|z|)): the charge on exp at
    σ(z), by which log(1 + e) moves for a relative error of e, the charge on log1p and u at a. As
    log(1 + exp(z)): 1 + e rounds, by u, and log is charged.
    """
    a = np.logaddexp(0, z)
    outer = max(rounding.charge("log1p"), rounding.charge("log"))
    moved = rounding.charge("exp") * expit(z) + rounding.unit
    composed = moved + (outer + rounding.unit) * (a + moved)
    result: Values = np.maximum(rounding.charge("log1pexp") * a, composed)
    return result


PART = Softplus
