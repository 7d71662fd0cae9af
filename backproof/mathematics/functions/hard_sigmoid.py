"""hard_sigmoid: f(z) = min(max(slope·z + offset, 0), 1), with slope 0 at both of its kinks."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values, exactly_at
from backproof.mathematics.latex import shown, times

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified


class Clipped(Activation):
    """A straight line that is cut off below 0 and above `TOP`."""

    TOP: ClassVar[float]
    AT_KINK: ClassVar[tuple[float, ...]] = (0.5, 1.0)

    @property
    @abstractmethod
    def line(self) -> tuple[float, float]:
        """Slope and offset."""

    @abstractmethod
    def inner(self, z: Ball, rounding: Rounding) -> Ball:
        """The line, before it is cut off."""

    def value(self, z: Values) -> Values:
        slope, offset = self.line
        cut: Values = np.clip(slope * z + offset, 0, z.dtype.type(self.TOP))
        return cut

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        slope, offset = self.line
        t = slope * z + offset
        return cotangent * slope * ((t > 0) & (t < self.TOP))

    def part(self, z: Values) -> Values:
        """−1 where it is cut off below, 1 above, 0 between."""
        slope, offset = self.line
        t = slope * z + offset
        return np.asarray(np.sign(slope) * np.where(t <= 0, -1, np.where(t >= self.TOP, 1, 0)))

    def branches(self) -> tuple[float, ...]:
        slope, offset = self.line
        return (-offset / slope, (self.TOP - offset) / slope)

    def on_side(self, z: Values, of: Values) -> Values:
        """Where they are in different parts, the z in its part that is next to the other."""
        slope, offset = self.line
        kinks = sorted((-offset / slope, (self.TOP - offset) / slope))
        below, above = (self._last(kink, part) for kink, part in zip(kinks, (-1, 1), strict=True))
        first, last = (
            self._last(kink, 0, other) for kink, other in zip(kinks, (1, -1), strict=True)
        )
        part = self.part(of)
        moved = np.where(
            part < 0, np.minimum(z, below), np.where(part > 0, np.maximum(z, above), z)
        )
        return np.where(part == 0, np.clip(moved, first, last), moved)

    def _last(self, kink: float, part: int, towards: int | None = None) -> float:
        """The number nearest to a kink that lies in a part, found by going that way from it."""
        found = kink
        while self.part(np.array(found)) != part:
            found = float(np.nextafter(found, np.inf * (part if towards is None else towards)))
        return found

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """The radius of the line, and 0 where it is surely cut off: there all give the limit."""
        t = self.inner(z, rounding)
        value = np.clip(t.value, 0, self.TOP)
        if t.radius is None:
            return Ball(value, None)
        reach = 2 * t.radius
        inside = ~(t.value + reach <= 0) & ~(t.value - reach >= self.TOP)
        return Ball(value, t.radius * inside)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """g·slope inside, 0 outside, both where the line is within 2r of a kink.

        The slope is held with a relative error of u, and the product rounds once: γ₃. At an exact
        kink the slope is 0, or what the model says.
        """
        t = self.inner(z, rounding)
        slope = abs(self.line[0])
        passes = ((t.value > 0) & (t.value < self.TOP)).astype(np.float64)
        exact = exactly_at(t, 0.0) | exactly_at(t, self.TOP)
        if share := rounding.at_kink(self.name, 0.0):
            passes[exact] = share
        value = cotangent.value * (self.line[0] * passes)
        rounded = 0.0 if slope == 1 else slope * (rounding.gamma(3) + rounding.held(1))
        radius = passes * (SLACK * cotangent.radius_with(0.0) * slope)
        radius += passes * (SLACK * rounded * cotangent.magnitude)
        if slope != 1:
            radius += rounding.eta * passes * (cotangent.magnitude > 0)
        reach = t.reach
        near = np.minimum(np.abs(t.value), np.abs(t.value - self.TOP))
        doubtful = ~(near > reach) & ~exact
        if rounding.same_branches:
            doubtful &= ~np.isfinite(t.value + reach)
        doubtful |= exact & (self.name in rounding.kinks)
        most = SLACK * (slope + rounded) * cotangent.magnitude
        most += rounding.eta * (slope != 1) * (cotangent.magnitude > 0)
        radius = np.where(doubtful, most, radius)
        return Ball(value, radius)

    def certified(self, z: Certified) -> Certified:
        """In one formula for all sides: t⁺ − (t − top)⁺."""
        slope, offset = map(arb, self.line)

        def cut(x: arb) -> arb:
            t = slope * x + offset
            return t.nonnegative_part() - (t - self.TOP).nonnegative_part()

        return z.map(cut)

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        slope, offset = map(arb, self.line)

        def pulled(x: arb, g: arb) -> arb:
            t = slope * x + offset
            if t > 0 and t < self.TOP:
                return g * slope
            return g * 0 if t <= 0 or t >= self.TOP else (g * slope).union(arb(0))

        return z.zip(pulled, cotangent)


@dataclass(frozen=True)
class HardSigmoid(Clipped):
    """A sigmoid of straight lines: z/6 + ½ in Keras 3, PyTorch and JAX.

    ``slope``, ``offset``: 0.2 and 0.5 in Keras 2 and in Theano.
    """

    name: ClassVar[str] = "hard_sigmoid"
    TOP: ClassVar[float] = 1.0
    slope: float = 1 / 6
    offset: float = 0.5

    def latex(self) -> tuple[str, str]:
        by = r"\frac{1}{6}\, " if self.slope == 1 / 6 else times(self.slope)
        t = rf"{by}Z + {shown(self.offset)}"
        return rf"\max({t}, 0) - \max({t} - 1, 0)", rf"{by}([{t} > 0] - [{t} > 1])"

    @property
    def line(self) -> tuple[float, float]:
        return self.slope, self.offset

    def inner(self, z: Ball, rounding: Rounding) -> Ball:
        """slope·z + offset: both are held, and two roundings; or slope·(z + offset/slope), three.

        Each at the sizes of its terms, slope·z and the offset.
        """
        slope, offset = self.line
        size = abs(slope) * z.magnitude + abs(offset)
        radius = SLACK * (rounding.gamma(4) + rounding.held(1)) * size
        radius += 3 * rounding.eta
        if z.radius is not None:
            radius += SLACK * abs(slope) * z.radius
        return Ball(slope * z.value + offset, radius)

    @classmethod
    def examples(cls) -> tuple[HardSigmoid, ...]:
        return cls(), cls(0.2)

    def keras(self) -> Any:
        """Keras's own has z/6 + ½; in float64 in its operations, which hold it as they should."""
        import keras

        if self == HardSigmoid() and keras.config.floatx() != "float64":
            return "hard_sigmoid"
        return lambda z: keras.ops.clip(z * self.slope + self.offset, 0, 1)

    def torch(self) -> Any:
        """PyTorch's own holds ⅙ in float32 in its derivative, whatever the dtype."""
        import torch
        import torch.nn.functional as F

        if self == HardSigmoid():
            return lambda z: F.relu6(z + 3) / 6
        return lambda z: torch.clamp(z * self.slope + self.offset, 0, 1)

    def jax(self) -> Any:
        import jax
        import jax.numpy as jnp

        if self == HardSigmoid():
            return jax.nn.hard_sigmoid
        return lambda z: jnp.clip(z * self.slope + self.offset, 0, 1)


PART = HardSigmoid
