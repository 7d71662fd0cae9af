"""What a loss of the outputs themselves computes of one: its logarithm and its reciprocal.

An output a is whatever the last layer gives, with value v and radius r. The exact A lies within r
of v, and what an implementation has, Â, within r of A. So all of them lie above v − 2r, the *least*
of a. A loss needs the logarithm and the reciprocal of p = a, or of p = 1 − a, which rounds once.
Where p may be 0, or so small that its products underflow, nothing is known of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball, Values
from backproof.mathematics.arithmetic.balls.probabilities import Range
from backproof.mathematics.arithmetic.rounding.forms import LOGITS, Form
from backproof.mathematics.arithmetic.rounding.model import Rounding


def guards(rounding: Rounding) -> Form:
    """The guards against log 0 that are declared: those of a form of logits are none."""
    return rounding.form if rounding.form.of == "probabilities" else LOGITS


@dataclass(frozen=True, eq=False)
class Output:
    """p = a or 1 − a, with log p, the radius of a, the least of p, and how often p rounds."""

    value: Values
    log: Values
    radius: Values
    least: Values
    rounded: float

    @classmethod
    def of(cls, a: Ball) -> Output:
        """a itself."""
        radius = np.zeros_like(a.value) if a.radius is None else a.radius
        with np.errstate(all="ignore"):
            return cls(a.value, np.log(a.value), radius, a.value - 2 * radius, 0.0)

    @classmethod
    def complement(cls, a: Ball, rounding: Rounding) -> Output:
        """1 − a, of which the value, in float64, is off by 2⁻⁵³ of it."""
        radius = np.zeros_like(a.value) if a.radius is None else a.radius
        with np.errstate(all="ignore"):
            rest = 1 - a.value
            least = rest * (1 - 2.0**-52) - 2 * radius
            return cls(rest, np.log1p(-a.value), radius, least, rounding.unit)

    def logarithm(self, rounding: Rounding) -> tuple[Values, Values]:
        """How far a computed log p̂ may lie from log P, and how large it may be.

        |log p̂ − log P| ≤ log(1 + r/least) for two numbers that are r apart, and twice as far from
        log v lie both at most. Where p̂ rounds by δ ≤ u, log(1 + δ) ≤ u/(1 − u) is added. The
        logarithm itself has its charge: log(1 − a) may be log1p(−a). For guards: see `Range`.
        """
        if rounding.form.of == "probabilities":
            return self.range().logarithm(rounding.form, rounding)
        own = self.rounded / (1 - self.rounded)
        charge = rounding.charge("log")
        if self.rounded:
            charge = max(charge, rounding.charge("log1p"))
        size = np.abs(self.log) + np.log1p(2 * self.radius / self.least) + own
        moved = np.log1p(self.radius / self.least)
        return moved + own + charge * size, size * (1 + charge)

    def reciprocal(self) -> tuple[Values, Values]:
        """How far 1/p moves, r/(P·p̂) at most, and how large it may be."""
        return self.radius / (self.least * (self.least + self.radius)), 1 / self.least

    def above_one(self, rounding: Rounding) -> Values:
        """How large a positive log p̂ may be."""
        charge = rounding.charge("log")
        top = self.log + np.log1p(2 * self.radius / self.least)
        result: Values = np.maximum(top, 0) * (1 + charge)
        return result

    def bent(self, rounding: Rounding) -> NDArray[np.bool_]:
        """Where p̂ may have reached a guard, so that the derivative of its logarithm may be 0."""
        return self.range().bent(guards(rounding), rounding)

    def range(self) -> Range:
        """Where P lies, and where p̂ does; all four in float64, widened by what that rounds."""
        off = 2.0**-50 * np.abs(self.value)
        low, high = (1 - self.rounded), (1 + self.rounded)
        r = self.radius * SLACK
        return Range(
            np.maximum(self.value - off - r, 0),
            self.value + off + r,
            np.maximum(self.value - off - 2 * r, 0) * low,
            (self.value + off + 2 * r) * high,
        )


def known(where: NDArray[np.bool_], value: Values, radius: Values) -> Ball:
    """The ball there; elsewhere 0 with an infinite radius, as of a division by 0."""
    return Ball(np.where(where, value, 0), np.where(where, radius, inf))
