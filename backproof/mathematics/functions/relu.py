"""relu: f(z) = max(z, 0), with slope 0 at z = 0 (as Keras, PyTorch and JAX have it)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values, exactly_at, side_of_zero

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified


@dataclass(frozen=True)
class Relu(Activation):
    """The rectifier. No rounding of its own: |max(ẑ, 0) − max(Z, 0)| ≤ |ẑ − Z|."""

    name: ClassVar[str] = "relu"
    PIECEWISE_LINEAR: ClassVar[bool] = True
    AT_KINK: ClassVar[tuple[float, ...]] = (0.5, 1.0)

    def latex(self) -> tuple[str, str]:
        return r"\max(Z, 0)", "[Z > 0]"

    def value(self, z: Values) -> Values:
        return np.maximum(z, 0)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent * (z > 0)

    def other_value(self, z: Values) -> Values:
        return np.where(z > 0, z, z.dtype.type(0))

    def other_vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return np.where(z > 0, cotangent, z.dtype.type(0))

    def on_side(self, z: Values, of: Values) -> Values:
        return side_of_zero(z, of)

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """The radius of z, and 0 where z + 2r ≤ 0: there every implementation gives exactly 0.

        Above the kink the definition goes on as z, and below it as 0, where the side is settled.
        """
        value = np.maximum(z.value, 0)
        if z.radius is None:
            return Ball(value, None)
        reach = 2 * z.radius
        reach += z.value
        return Ball(value, z.radius * (reach > 0))

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """The cotangent where z is surely positive, 0 where surely not, both where in doubt.

        The value in z and any ẑ lie within r of the exact Z, so |z| > 2r settles the sign of all.
        Where it does not, an implementation may pass the cotangent (at most its magnitude m) and
        the exact result be 0, or the reverse: the radius is m. Where r = 0 there is no doubt, and
        the slope at an exact 0 is the definition's 0, or what the model says.
        """
        passes = (z.value > 0).astype(np.float64)
        if share := rounding.at_kink(self.name, 0.0):
            passes[exactly_at(z, 0.0)] = share
        value = cotangent.value * passes
        radius = None if cotangent.radius is None else cotangent.radius * passes
        if z.radius is None:
            return Ball(value, radius)
        settled = np.abs(z.value) > 2 * z.radius
        if rounding.same_branches:
            settled |= np.isfinite(z.radius)
        if not settled.all():
            doubtful = ~settled & (z.radius != 0)
            radius = np.where(
                doubtful, SLACK * cotangent.magnitude, 0 if radius is None else radius
            )
        return Ball(value, radius)

    def certified(self, z: Certified) -> Certified:
        return z.map(lambda x: x.nonnegative_part())

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        def passed(x: arb, g: arb) -> arb:
            if x > 0:
                return g
            return g * 0 if x <= 0 else g.union(arb(0))

        return z.zip(passed, cotangent)

    def keras(self) -> Any:
        return "relu"

    def torch(self) -> Any:
        from torch import nn

        return nn.ReLU()

    def jax(self) -> Any:
        import jax

        return jax.nn.relu


PART = Relu
