"""softmax: f(z)_i = exp(z_i) / Σ_j exp(z_j) in each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball, growth
from backproof.mathematics.arithmetic.certified_values import Certified, stacked
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation, Values

# The widest that was measured in half precision.
MOST_UNITS = 100


@dataclass(frozen=True)
class Softmax(Activation):
    """The softmax of each row, computed with the row's maximum taken off."""

    name: ClassVar[str] = "softmax"

    def latex(self) -> tuple[str, str]:
        return r"\frac{e^{Z}}{e^{Z}\, \mathbf{1} \mathbf{1}^\top}", ""

    def latex_vjp(self) -> str:
        """Each output depends on every pre-activation."""
        return r"A \odot (G - (G \odot A)\, \mathbf{1} \mathbf{1}^\top)"

    def value(self, z: Values) -> Values:
        p = np.exp(z - row_maximum(z))
        p /= row_sum(p)
        return p

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return a * (cotangent - row_sum(a * cotangent))

    def other_value(self, z: Values) -> Values:
        shifted = z - z.max(axis=1, keepdims=True)
        total = np.exp(shifted).sum(axis=1, keepdims=True)
        return np.asarray(np.exp(shifted - np.log(total)))

    def other_vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return np.asarray(a * cotangent - a * (a * cotangent).sum(axis=1, keepdims=True))

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        p = self.value(z.value)
        if single(z, rounding):
            return Ball(p, np.zeros_like(p))
        return Ball(p, softmax_radius(z, p, rounding))

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """a ⊙ (g − Σ_j a_j g_j), by the rules of product, sum and difference."""
        if single(z, rounding) and np.isfinite(cotangent.magnitude).all():
            return Ball(np.zeros_like(a.value), np.zeros_like(a.value))
        weighted = cotangent.times(a, rounding)
        total = weighted.row_total(rounding)
        centred = cotangent.minus(total, rounding)
        assert centred.radius is not None
        # Expanded, a·g − a·Σ, the terms round at their own sizes.
        centred.radius += rounding.unit * SLACK * (cotangent.magnitude + total.magnitude)
        pulled = centred.times(a, rounding)
        assert pulled.radius is not None
        pulled.radius += rounding.eta * (pulled.radius > 0)  # both products may underflow
        return pulled

    def settled(self, z: Ball, rounding: Rounding) -> bool:
        """The 1 and the 0 of a single unit are."""
        return single(z, rounding)

    def measured(self, z: Ball) -> bool:
        return z.shape[1] <= MOST_UNITS

    def vjp_steps(self, rounding: Rounding, a: Ball, cotangent: Ball) -> Values:
        """Of a ⊙ (g − Σ a_j g_j), the products, their sum (by m roundings), and the difference."""
        m = a.shape[1]
        terms = (a.magnitude * cotangent.magnitude).sum(axis=1, keepdims=True)
        size: Values = a.magnitude * (cotangent.magnitude + (1 + max(2, m)) * terms)
        return rounding.unit * size + (2 * m + 1) * rounding.eta * a.magnitude

    def certified(self, z: Certified) -> Certified:
        return stacked(z.by_row(certified_softmax))

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        weighted = a.zip(lambda p, g: p * g, cotangent)
        sums = [row[0] for row in weighted.by_row(lambda row: [sum(row, arb(0))])]
        repeated = Certified([s for s in sums for _ in range(a.columns)], a.shape)
        return weighted.zip(lambda pg, ps: pg - ps, a.zip(lambda p, s: p * s, repeated))

    def keras(self) -> Any:
        return "softmax"

    def torch(self) -> Any:
        from torch import nn

        return nn.Softmax(dim=-1)

    def jax(self) -> Any:
        import jax

        return lambda z: jax.nn.softmax(z, axis=-1)


def single(z: Ball, rounding: Rounding) -> bool:
    """Whether this is a softmax of one unit, of which the model says that it is exactly 1.

    exp(z − z) = exp(0) = 1, and 1/1 = 1; what it passes back is 1·(g − 1·g) = 0.
    """
    return rounding.same_branches and z.shape[1] == 1 and bool(np.isfinite(z.magnitude).all())


def certified_softmax(row: list[arb]) -> list[arb]:
    """The softmax of one row of logits."""
    top = max(row, key=float)
    powers = [(x - top).exp() for x in row]
    total = sum(powers, arb(0))
    return [power / total for power in powers]


def row_maximum(z: Values) -> Values:
    """Largest of each row, (samples, 1); column by column, for rows are short."""
    largest: Values = np.max(z, axis=1, keepdims=True)
    return largest


def row_sum(z: Values) -> Values:
    """Sum of each row, (samples, 1)."""
    total: Values = np.sum(z, axis=1, keepdims=True)
    return total


def softmax_own(
    z: Values, p: Values, rounding: Rounding, reach: float = 0.0, charge: float = 0.0
) -> Values:
    """The relative error of a softmax that its roundings explain, and a charge besides.

    u·(2·(max − z_i) + |max| + 2·log m + 10·reach), the mean of that by p over the row, and γ_{m+2}.
    """
    m = p.shape[1]
    top = row_maximum(z)
    own = top - z
    shared = row_sum(p * own)
    shared += np.abs(top)
    shared *= 2 * rounding.unit
    shared += (
        rounding.unit * (4 * float(np.log(m)) + 20 * reach) + rounding.gamma_of_sum(m, 2) + charge
    )
    own *= 2 * rounding.unit
    own += shared
    return own


def softmax_radius(z: Ball, p: Values, rounding: Rounding) -> Values:
    """How far a computed softmax may lie from the exact one.

    Moved inputs: along the way from Z to ẑ, |dp_i| ≤ p_i·((1 − p_i)·r_i + Σ_{j≠i} p_j r_j), and
    log p_j moves by at most 4r over the reach of r = max r_j, twice in this product: exp(8r).
    Roundings: log p_i is z_i − max − log Σ or z_i − lse; its terms are at most
    |z_i| + |max| + log m in size, each rounded at most twice, so that p_i and the sum's share of
    each p_j err by that many u, relatively; then the charge, and the sum over m.
    """
    reach = 0.0 if z.radius is None else float(z.radius.max())
    of_logs = 2 * rounding.charge("exp") + rounding.charge("log") * float(np.log(p.shape[1]))
    charge = rounding.charge("softmax", of_logs)
    relative = softmax_own(z.value, p, rounding, reach, charge)
    relative *= SLACK
    largest: Values | float = float(relative.max())
    if largest < 1:  # e^δ − 1 ≤ δ·(1 + δ)
        relative *= 1 + largest
        largest *= 1 + largest
    else:
        relative = largest = np.expm1(relative)
    radius = p * relative
    if z.radius is not None:
        # At least the smallest normal number: a p that underflowed grows too.
        weight = p + 2.0**-1022
        own = weight * z.radius
        moved = z.radius + row_sum(own)
        moved *= 1 + 2.0**-49  # what the difference may lose to cancellation, in float64
        own *= 2
        moved -= own
        moved *= weight
        moved *= growth(z.radius, 8)
        if not reach < 2.0**-4:  # below it, nothing moves by more than ½
            moved = np.minimum(moved, 1)
        moved *= 1 + 2 * largest
        radius += moved
    # exp, sum and quotient: TensorFlow's float32 exp stops a little above the smallest normal.
    radius += 4 * rounding.eta
    return radius


PART = Softmax
