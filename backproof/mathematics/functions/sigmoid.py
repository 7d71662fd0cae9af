"""sigmoid: f(z) = 1 / (1 + exp(−z)), f′ = f·(1 − f)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball, growth
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified


def expit(z: Values) -> Values:
    """SciPy's sigmoid, accurate in both tails; the import would be felt in every worker."""
    from scipy.special import expit

    result: Values = expit(z)
    return result


@dataclass(frozen=True)
class Sigmoid(Activation):
    """The logistic function."""

    name: ClassVar[str] = "sigmoid"

    def latex(self) -> tuple[str, str]:
        return r"\frac{1}{1 + e^{-Z}}", r"A \odot (1 - A)"

    def value(self, z: Values) -> Values:
        return expit(z)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent * (a * (1 - a))

    def other_value(self, z: Values) -> Values:
        return np.asarray(1 / (1 + np.exp(-z)))

    def other_vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return np.asarray(cotangent * (a - a * a))

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """r_a = r_z · sup f′ + the charge on a.

        (log f′)′ = 1 − 2f lies in [−1, 1], so f′ grows at most by exp(2r) over the 2r around z
        where all implementations lie. 1 − a is taken 2⁻⁵⁰ too large for the rounding of a.

        In any form as (1 + tanh(z/2))/2 or 1 − 1/(1 + exp(z)): off by the charge on tanh or exp and
        by four roundings at the size of 1. The least of a clipped z, σ(−500), is far below that.
        """
        a = expit(z.value)
        composed = rounding.charge("exp") + 4 * rounding.unit
        charge = SLACK * rounding.charge("sigmoid", composed)
        radius = charge * a
        if z.radius is not None:
            moved = 1 + 2.0**-50 - a
            moved *= a + 2.0**-1022  # an a that underflowed grows too
            moved *= z.radius
            moved *= growth(z.radius, 2)
            radius += np.minimum(moved, 1) * (1 + 2 * charge)
        radius += rounding.eta
        if rounding.any_form:
            inner = max(rounding.charge("tanh"), rounding.charge("exp"))
            radius += SLACK * (inner + 4 * rounding.unit)
        return Ball(a, radius)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """g·a·(1 − a), where the factor s = a(1 − a) moves by at most |1 − 2a|·r_a + r_a².

        Taken of a, not of z: 1 − â loses what â has lost. A factor computed from z moves less.
        Three roundings: 1 − a, the two products; they may be grouped in any way. Of z it is
        f(z)·f(−z), or e/(1 + e)² with e = exp(−|z|): 1 + e counts twice, the division for two.
        """
        assert a.radius is not None
        s = a.value * (1 - a.value)
        of_exp = rounding.charge("exp") + 4 * rounding.unit
        of_z = 2 * rounding.charge("sigmoid", of_exp / 2) + rounding.unit
        radius = np.abs(1 - 2 * a.value)
        radius += 3 * a.radius
        radius *= a.radius
        radius += of_z * s + rounding.unit * np.maximum(s, a.value * a.value)
        radius *= (1 + 2 * of_z) * SLACK
        radius += rounding.eta
        return cotangent.times(Ball(s, radius), rounding)

    def measured(self, z: Ball) -> bool:
        """Of all numbers."""
        return True

    def vjp_steps(self, rounding: Rounding, a: Ball, cotangent: Ball) -> Values:
        """Of g·a·(1 − a), the difference and the first product round, g·a or a·(1 − a)."""
        size: Values = 2 * cotangent.magnitude * a.magnitude * (1 - a.value + a.reach)
        return rounding.unit * size + rounding.eta * (1 + cotangent.magnitude)

    def certified(self, z: Certified) -> Certified:
        return z.map(lambda x: 1 / (1 + (-x).exp()))

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        """With f′ = 1/(2 + e^z + e^−z), which keeps its digits where a rounds to 1."""
        return z.zip(lambda x, g: g / (2 + x.exp() + (-x).exp()), cotangent)

    def keras(self) -> Any:
        return "sigmoid"

    def torch(self) -> Any:
        from torch import nn

        return nn.Sigmoid()

    def jax(self) -> Any:
        import jax

        return jax.nn.sigmoid


PART = Sigmoid
