"""largest: f(z)_i = max_j z_j in each row, with what pooling gives back: no activation of layers.

Each element of a row gets the row's maximum, and its cotangent has that of the maximum in each
column: so it has the shapes that a function of a row has, and all arithmetics carry it as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from flint import arb
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.certified_values import Certified, stacked
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values

Ties = Literal["first", "last", "shared", "all"]
"""Which of several equal maxima gets the cotangent: one, each its share, or each all of it."""


@dataclass(frozen=True)
class Largest(Activation):
    """The maximum of each row, (rows, elements); no rounding of its own.

    Its kink lies where two elements are the largest. Below the reach of rounding, either may be.
    """

    ties: Ties = "first"

    name: ClassVar[str] = "largest"

    def latex(self) -> tuple[str, str]:
        return r"\max_j Z_j", r"[Z = \max_j Z_j]"

    def shares(self, z: Values) -> Values:
        """How much of the cotangent each element gets."""
        if self.ties == "first":
            return one_hot(np.argmax(z, axis=1), z)
        if self.ties == "last":
            return one_hot(z.shape[1] - 1 - np.argmax(z[:, ::-1], axis=1), z)
        tied = (z == z.max(axis=1, keepdims=True)).astype(z.dtype)
        if self.ties == "shared":
            tied /= tied.sum(axis=1, keepdims=True)
        return np.asarray(tied)

    def value(self, z: Values) -> Values:
        return np.repeat(z.max(axis=1, keepdims=True), z.shape[1], axis=1)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent * self.shares(z)

    def on_side(self, z: Values, of: Values) -> Values:
        """With the largest of ``of`` the largest: what is larger is brought just below it."""
        own = taken(z, np.argmax(of, axis=-1))
        tied = of == of.max(axis=-1, keepdims=True)
        return np.where(tied, own, np.minimum(z, np.nextafter(own, -np.inf)))

    def extended(self, near: Values, z: Values) -> Values:
        return np.broadcast_to(taken(z, np.argmax(near, axis=-1)), z.shape).copy()

    def farthest(self, z: Values, reach: Values) -> tuple[Values, ...]:
        """The largest as small as it may be, and the others as large."""
        own = np.arange(z.shape[-1]) == np.argmax(z, axis=-1)[..., None]
        return (np.where(own, z - reach, z + reach),)

    @property
    def blurred(self) -> bool:
        return False

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """The largest radius of what may be the largest.

        With k the largest of ẑ and K of Z: ẑ_k − Z_k ≥ max ẑ − max Z ≥ ẑ_K − Z_K.
        """
        value = self.value(z.value)
        if z.radius is None:
            return Ball(value, None)
        radius = np.where(candidates(z), z.radius, 0).max(axis=1, keepdims=True)
        return Ball(value, np.repeat(radius, z.shape[1], axis=1))

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """The cotangent where the largest is known; where several may be, any share of it.

        As a rectifier's (see `relu`), where in doubt: the radius is m. Elements that are exactly
        equal are in no doubt, and get what ``ties`` says. A share that is no whole is rounded.
        """
        shares = self.shares(z.value)
        value = cotangent.value * shares
        radius = np.zeros_like(value) if cotangent.radius is None else cotangent.radius * shares
        divided = (shares > 0) & (shares < 1)
        if divided.any():
            radius = radius + SLACK * rounding.gamma(2) * cotangent.magnitude * divided
            radius = radius + rounding.eta * divided * (cotangent.magnitude > 0)
        if z.radius is not None:
            possible = candidates(z)
            open_rows = (possible & (z.radius != 0)).any(axis=1) & (possible.sum(axis=1) > 1)
            if rounding.same_branches:
                open_rows &= ~np.isfinite(z.radius).all(axis=1)
            doubtful = possible & open_rows[:, None]
            radius = np.where(doubtful, SLACK * cotangent.magnitude, radius)
        return Ball(value, radius)

    def certified(self, z: Certified) -> Certified:
        return stacked(z.by_row(largest_of))

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        rows, given = z.by_row(list), cotangent.by_row(list)
        pairs = zip(rows, given, strict=True)
        return stacked([self._passed(row, cotangents) for row, cotangents in pairs])

    def _passed(self, row: list[arb], cotangents: list[arb]) -> list[arb]:
        """What one row gives back; the hull, where balls do not say which is the largest."""
        possible = [not any(other > x for other in row) for x in row]
        among = [x for x, may in zip(row, possible, strict=True) if may]
        if all(x == among[0] for x in among):  # one, or exact and equal
            shares = self.shares(np.array([possible], float))[0]
            many = len(among) if self.ties == "shared" else 1
            return [
                g / many if share else g * 0 for g, share in zip(cotangents, shares, strict=True)
            ]
        return [
            g.union(arb(0)) if may else g * 0 for g, may in zip(cotangents, possible, strict=True)
        ]


def one_hot(index: NDArray[np.intp], z: Values) -> Values:
    """1 at the index of each row, 0 elsewhere."""
    return np.asarray(np.arange(z.shape[1]) == index[:, None]).astype(z.dtype)


def taken(z: Values, index: NDArray[np.intp]) -> Values:
    """The element at that index of each row; z may have replicas before the rows."""
    places = np.broadcast_to(index[..., None], (*z.shape[:-1], 1))
    return np.take_along_axis(z, places, axis=-1)


def candidates(z: Ball) -> NDArray[np.bool_]:
    """Which elements may be the largest of their row, exactly or in an implementation.

    Those lie within r and 2r of the value: what reaches up to the largest lower end may be.
    """
    assert z.radius is not None
    reach = 2 * SLACK * z.radius
    lowest = (z.value - reach).max(axis=1, keepdims=True)
    # Of what is no number nothing is known.
    return np.asarray(~(z.value + reach < lowest))


def largest_of(row: list[arb]) -> list[arb]:
    """An enclosure of the maximum, for each element."""
    top = row[0]
    for x in row[1:]:
        top = top.max(x)
    return [top] * len(row)
