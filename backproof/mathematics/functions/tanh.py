"""tanh: f(z) = tanh z, f′ = 1 − f²."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball, growth
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent."""

    name: ClassVar[str] = "tanh"

    def latex(self) -> tuple[str, str]:
        return r"\tanh(Z)", r"1 - A \odot A"

    def value(self, z: Values) -> Values:
        return np.tanh(z)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent * (1 - a * a)

    def other_vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return np.asarray(cotangent * (1 - a) * (1 + a))

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """r_a = r_z · sup f′ + the charge on a; (log f′)′ = −2f, so f′ grows at most by exp(4r).

        In any form as 2σ(2z) − 1, or with exponentials of both signs: off by the charge on these,
        twice, and by eight roundings at the size of 1.
        """
        a = np.tanh(z.value)
        charge = SLACK * rounding.charge("tanh")
        size = np.abs(a)
        lost = rounding.eta
        if rounding.any_form:
            of_exp = rounding.charge("sigmoid", rounding.charge("exp"))
            lost += SLACK * (2 * of_exp + 8 * rounding.unit)
        if z.radius is None:
            return Ball(a, charge * size + lost * (size > 0))
        slope = np.minimum((1 - size) * (1 + size) + 2.0**-50, 1)
        moved = np.minimum(slope * z.radius * growth(z.radius, 4), 2)
        radius = charge * (size + 2 * moved) + moved
        return Ball(a, radius + lost * (radius > 0))

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """g·(1 − a²): the factor moves by at most 2|a|·r_a + r_a².

        Its roundings: of 1 − a·a, u·a² and u·s, together u; of JAX's (g + g·a)(1 − a), that of g·a
        at its size, and three at that of s.
        """
        s = 1 - a.value * a.value
        own = rounding.unit * np.maximum(1, np.abs(a.value) * (1 - a.value) + 3 * s)
        if a.radius is not None:
            own += a.radius * (2 * np.abs(a.value) + 3 * a.radius)
        radius = own * ((1 + 8 * rounding.unit) * SLACK) + rounding.eta
        return cotangent.times(Ball(s, radius), rounding)

    def measured(self, z: Ball) -> bool:
        """Of all numbers."""
        return True

    def vjp_steps(self, rounding: Rounding, a: Ball, cotangent: Ball) -> Values:
        """Of g·(1 − a²), the square rounds, by u·a², and the difference, by u·(1 − a²)."""
        size = cotangent.magnitude
        return rounding.unit * size * (1 + 2 * a.reach) + rounding.eta * size

    def certified(self, z: Certified) -> Certified:
        return z.map(lambda x: x.tanh())

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        return z.zip(lambda x, g: g * x.sech() ** 2, cotangent)

    def keras(self) -> Any:
        return "tanh"

    def torch(self) -> Any:
        from torch import nn

        return nn.Tanh()

    def jax(self) -> Any:
        import jax.numpy as jnp

        return jnp.tanh


PART = Tanh
