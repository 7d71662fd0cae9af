"""swish: f(z) = z·σ(z), f′ = σ·(1 + z·(1 − σ)): also called SiLU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values
from backproof.mathematics.functions.sigmoid import expit

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified

# Bounds, which a test proves with Arb: of |f′|, of |f″| and of |f‴|.
STEEPEST, BENT, TWISTED = 1.1, 0.501, 0.309


@dataclass(frozen=True)
class Swish(Activation):
    """The sigmoid-weighted linear unit.

    Source: Ramachandran, Zoph and Le, Searching for activation functions (arXiv:1710.05941); as
    SiLU, Elfwing, Uchibe and Doya, Neural Networks 107, 2018.
    """

    name: ClassVar[str] = "swish"

    def latex(self) -> tuple[str, str]:
        sigma = r"\frac{1}{1 + e^{-Z}}"
        return r"\frac{Z}{1 + e^{-Z}}", rf"{sigma} \odot (1 + Z - A)"

    def value(self, z: Values) -> Values:
        return z * expit(z)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        s = expit(z)
        return cotangent * (s * (1 + z * (1 - s)))

    def other_value(self, z: Values) -> Values:
        return np.asarray(z / (1 + np.exp(-z)))

    def other_vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent * (a + expit(z) * (1 - a))

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """r_z times the steepest slope within reach, and what σ and the product round.

        Of z/(1 + exp(−z)) the quotient rounds as a product with a reciprocal. Where σ underflows,
        what it loses is multiplied by z. In any form σ errs at the size of 1.
        """
        a = self.value(z.value)
        size = np.abs(a) if z.radius is None else np.abs(a) + 2 * STEEPEST * z.radius
        radius = (charge(rounding) + 2 * rounding.unit) * (SLACK * size)
        radius += absolute(rounding) * z.magnitude
        radius += rounding.eta * (1 + z.magnitude) * (z.magnitude > 0)
        if z.radius is not None:
            slope = np.abs(slopes(z.value)[0])
            radius += SLACK * z.radius * np.minimum(slope + 2 * BENT * z.radius, STEEPEST)
        return Ball(a, radius)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """g·f′, which moves by r_z times |f″(z)| + 2r·sup |f‴|; its terms round by themselves.

        As σ·(1 + z·(1 − σ)), or σ + z·σ·(1 − σ): σ errs relatively, and so does its product; 1 − σ
        errs as σ does, absolutely, and rounds. Of a + σ·(1 − a) the terms are of the size of z
        where z is large. Five roundings at the size of the terms, in either.
        """
        unit = rounding.unit
        of_sigma = charge(rounding)
        slope, bent = slopes(z.value)
        reach = z.reach
        s = np.minimum(expit(z.value + reach), 1)
        size = z.magnitude
        rest = expit(reach - z.value)
        terms = s * (1 + size * rest)
        weighted = size * s
        error = (of_sigma + 5 * unit) * terms + weighted * s * of_sigma
        other = weighted + s * (1 + weighted)
        radius = np.maximum(error, (of_sigma + 5 * unit) * other)
        radius += absolute(rounding) * (1 + 2 * size)
        radius *= SLACK * (1 + 8 * unit)
        if z.radius is not None:
            radius += SLACK * z.radius * np.minimum(np.abs(bent) + 2 * TWISTED * z.radius, BENT)
        # What underflows in one factor, or in g times some of them, is multiplied by the others.
        eta = rounding.eta * (4 + 2 * size)
        pulled = cotangent.times(Ball(slope, radius + eta), rounding)
        assert pulled.radius is not None
        pulled.radius += eta * (cotangent.magnitude > 0)
        return pulled

    def certified(self, z: Certified) -> Certified:
        return z.map(lambda x: x / (1 + (-x).exp()))

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        def pulled(x: arb, g: arb) -> arb:
            up, down = 1 / (1 + (-x).exp()), 1 / (1 + x.exp())
            return g * up * (1 + x * down)

        return z.zip(pulled, cotangent)

    def keras(self) -> Any:
        return "silu"

    def torch(self) -> Any:
        from torch import nn

        return nn.SiLU()

    def jax(self) -> Any:
        import jax

        return jax.nn.silu


def charge(rounding: Rounding) -> float:
    """What a σ that is computed in any accurate form errs by, relatively."""
    return rounding.charge("sigmoid", rounding.charge("exp") + 4 * rounding.unit)


def absolute(rounding: Rounding) -> float:
    """What σ errs by at the size of 1, in a form that is granted."""
    if not rounding.any_form:
        return 0.0
    return SLACK * (max(rounding.charge("tanh"), rounding.charge("exp")) + 4 * rounding.unit)


def slopes(z: Values) -> tuple[Values, Values]:
    """f′ and f″."""
    s, rest = expit(z), expit(-z)
    with np.errstate(all="ignore"):  # 0·∞ far out, where nothing is left
        bent = np.nan_to_num(s * rest * (2 + z * (rest - s)))
        return np.nan_to_num(s * (1 + z * rest), nan=0.0), bent


PART = Swish
