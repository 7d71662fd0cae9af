"""An activation of a user's own, which only a test knows: f(z) = z²."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backproof import register
from backproof.activations import Activation
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.certified import Certified
from backproof.mathematics.arithmetic.rounding.model import Rounding

Values = np.ndarray


@register("activation")
@dataclass(frozen=True)
class Square(Activation):
    """The square: one product forwards, and two backwards, of which that by 2 is exact."""

    name: ClassVar[str] = "square"

    def latex(self) -> tuple[str, str]:
        return r"Z \odot Z", "2 Z"

    def value(self, z: Values) -> Values:
        return z * z

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return 2 * z * cotangent

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        return z.times(z, rounding)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        twice = Ball(2 * z.value, None if z.radius is None else 2 * z.radius)
        return cotangent.times(twice, rounding)

    def certified(self, z: Certified) -> Certified:
        return z.map(lambda x: x * x)

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        return z.zip(lambda x, g: 2 * x * g, cotangent)

    def keras(self) -> Any:
        import keras

        return keras.ops.square

    def torch(self) -> Any:
        import torch

        return torch.square

    def jax(self) -> Any:
        import jax.numpy as jnp

        return jnp.square
