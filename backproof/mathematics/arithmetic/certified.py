"""Certified arithmetic: Arb balls of python-flint, with as many bits as are needed.

Arb (Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic, IEEE
Transactions on Computers 66, 2017) returns, for every operation, an enclosure of the exact result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import isfinite, prod

import numpy as np
from flint import arb, arb_mat, ctx
from numpy.typing import NDArray

from backproof.mathematics.arithmetic import standardised
from backproof.mathematics.arithmetic.certified_values import Certified, matrices, spread
from backproof.mathematics.arithmetic.indices import indices
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction

Values = NDArray[np.floating]

# Enclosures are refined until they are this much tighter than half an ulp of the dtype.
HEADROOM = 2.0**-20
MOST_BITS = 2048
SMALLEST = 2.0**-1074  # the smallest number of float64


class CertifiedOps:
    """The operations of the definition on certified arrays, at the precision of ``flint.ctx``."""

    def exact(self, x: Values) -> Certified:
        return Certified([arb(v) for v in np.ravel(x).tolist()], x.shape)

    def matmul(self, a: Certified, b: Certified, further_terms: int = 0) -> Certified:
        if len(a.shape) == 2:
            return Certified(a.matrix * b.matrix, (a.rows, b.columns))
        pairs = zip(matrices(a), matrices(b), strict=True)
        entries = [x for left, right in pairs for x in (left * right).entries()]
        return Certified(entries, (*a.shape[:-1], b.columns))

    def affine(self, a: Certified, kernel: Certified, bias: Certified | None) -> Certified:
        z = self.matmul(a, kernel)
        return z if bias is None else self.add(z, bias)

    def transpose(self, a: Certified, axes: tuple[int, ...] | None = None) -> Certified:
        if axes is None:
            return a.T
        return a.at(np.arange(len(a.entries)).reshape(a.shape).transpose(axes))

    def concatenated(self, parts: Sequence[Certified]) -> Certified:
        rows = zip(*(part.by_row(list) for part in parts), strict=True)
        shape = (*parts[0].shape[:-1], sum(part.columns for part in parts))
        return Certified([x for row in rows for part in row for x in part], shape)

    def scatter(self, a: Certified, index: NDArray[np.intp], shape: tuple[int, ...]) -> Certified:
        found = [arb(0)] * prod(shape)
        for place, x in zip(index.ravel().tolist(), a.entries, strict=True):
            found[place] = found[place] + x
        return Certified(found, shape)

    def add(self, a: Certified, b: Certified) -> Certified:
        return a.zip(arb.__add__, spread(b, a.shape))

    def subtract(self, a: Certified, b: Certified) -> Certified:
        return a.zip(arb.__sub__, spread(b, a.shape))

    def multiply(self, a: Certified, b: Certified) -> Certified:
        return a.zip(arb.__mul__, spread(b, a.shape))

    def scale(self, a: Certified, c: float, divisor: int = 1, roundings: int = 1) -> Certified:
        """a·c/divisor, the float c and the whole number divisor being exact."""
        factor = arb(c) / divisor
        return a.map(lambda x: x * factor)

    def constant(self, c: float | Fraction, like: Certified, roundings: int) -> Certified:
        exact = Fraction(c)
        one = arb(exact.numerator) / arb(exact.denominator)
        return Certified([one] * len(like.entries), like.shape)

    def divide(self, a: Certified, b: Certified) -> Certified:
        return a.zip(arb.__truediv__, spread(b, a.shape))

    def sqrt(self, a: Certified) -> Certified:
        return a.map(lambda x: x.nonnegative_part().sqrt())

    def charged(self, a: Certified, times: int) -> Certified:
        return a

    def sum_of_charged(self, parts: Sequence[Certified]) -> Certified:
        return reduce(self.add, parts)

    def by_one(self, a: Certified, roundings: int) -> Certified:
        return a

    def cast(self, a: Certified, unit: float) -> Certified:
        return a

    def as_summand(self, a: Certified, times: int) -> Certified:
        return a

    def total(self, a: Certified, axis: Axis = None, further_terms: int = 0) -> Certified:
        if axis is None:
            return Certified([sum(a.entries, arb(0))], ())
        if axis == 0 and len(a.shape) == 2:
            ones = arb_mat(1, a.rows, [1] * a.rows)
            return Certified(ones * a.matrix, (a.columns,))
        places = np.arange(len(a.entries)).reshape(a.shape)
        summed = np.atleast_1d(axis) % len(a.shape)
        kept = [each for each in range(len(a.shape)) if each not in summed]
        shape = tuple(a.shape[each] for each in kept)
        groups = places.transpose([*kept, *summed]).reshape(prod(shape), -1)
        return Certified([sum((a.entries[i] for i in row), arb(0)) for row in groups], shape)

    def reshaped(self, a: Certified, shape: tuple[int, ...]) -> Certified:
        return Certified(a.entries, shape)

    def magnitude(self, a: Certified) -> Certified:
        return a.map(abs)

    def sign(self, a: Certified) -> Certified:
        return a.map(arb.sgn)

    def gather(self, a: Certified, index: NDArray[np.intp]) -> Certified:
        return a.at(index)

    def indices(self, a: Certified, below: int) -> NDArray[np.intp]:
        return indices(np.reshape([float(x) for x in a.entries], a.shape), below)

    def enlarged(self, factor: float) -> CertifiedOps:
        return self

    def activate(self, f: Activation, z: Certified) -> Certified:
        return f.certified(z)

    def vjp(self, f: Activation, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        return f.vjp_certified(z, a, cotangent)

    def loss_and_slope(
        self, loss: LossFunction, z: Certified, a: Certified, y: Certified
    ) -> tuple[Certified, Certified]:
        return loss.certified(z, a, y)

    def variance(self, x: Certified, by: Standard) -> Certified:
        return standardised.variance(self, x, by)

    def standardise(self, x: Certified, by: Standard, terms: int = 0) -> Certified:
        return standardised.standardised(self, x, by, terms)

    def standardise_vjp(self, x: Certified, cotangent: Certified, by: Standard) -> Certified:
        return standardised.pulled(self if by.inside else Continued(), x, cotangent, by)


class Continued(CertifiedOps):
    """With 0/0 = 0, as `floating.Continued`."""

    def divide(self, a: Certified, b: Certified) -> Certified:
        def quotient(x: arb, y: arb) -> arb:
            return x if x.is_zero() and y.is_zero() else x / y

        return a.zip(quotient, spread(b, a.shape))


@dataclass(frozen=True, eq=False)
class Truth:
    """Certified values as pairs of float64: the exact result is high + low, up to ``radius``."""

    high: Values
    low: Values
    radius: Values

    def error(self, computed: Values) -> Values:
        """How far ``computed`` lies from the exact result (computed − high is exact where near)."""
        return np.asarray(np.abs((computed.astype(np.float64) - self.high) - self.low))


def certify(
    evaluate: Callable[[CertifiedOps], Mapping[str, Certified]], unit: float, bits: int = 128
) -> dict[str, Truth]:
    """Evaluate with more and more bits, until every enclosure is far tighter than ``unit``.

    Tight means: within HEADROOM·unit of the element, or of 2⁻³⁰ of the tensor's largest (an exact
    0 has no relative precision). What is still not tight at MOST_BITS is returned as it is, with
    its radius: a hull, never a branch taken on an undecided comparison.
    """
    before = ctx.prec
    try:
        while True:
            ctx.prec = bits
            truths = {name: truth(value) for name, value in evaluate(CertifiedOps()).items()}
            if bits >= MOST_BITS or all(tight(value, unit) for value in truths.values()):
                return truths
            bits *= 2
    finally:
        ctx.prec = before


def truth(value: Certified) -> Truth:
    """Balls as pairs of float64 and a radius that covers the rest."""
    high = [float(x) for x in value.entries]
    rest = [x - h if isfinite(h) else x for x, h in zip(value.entries, high, strict=True)]
    low = [float(x) for x in rest]
    # What high + low leave out: the ball's radius, and the rounding of low.
    radius = [float(x.rad()) for x in rest]
    shape = value.shape
    highs, lows = np.reshape(high, shape), np.reshape(low, shape)
    radii = np.reshape(radius, shape) * (1 + 2.0**-20) + np.abs(lows) * 2.0**-52
    if highs.size and np.abs(highs).min() < 2.0**-900:  # low and radius may have underflowed
        zero = np.reshape([x.is_zero() for x in value.entries], shape)
        radii = radii + SMALLEST * (~zero & (np.abs(highs) < 2.0**-900))
    return Truth(highs, lows, radii)


def tight(value: Truth, unit: float) -> bool:
    """Whether the enclosure is as narrow as `certify` wants it."""
    size = np.abs(value.high)
    if not size.size:
        return True
    allowed = HEADROOM * unit * np.maximum(size, 2.0**-30 * size.max())
    return bool((value.radius <= np.maximum(allowed, SMALLEST)).all())
