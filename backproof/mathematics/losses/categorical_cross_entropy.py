"""categorical_cross_entropy: logsumexp(z) − Σ y·z for a row of logits; softmax(z) − y."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball, growth
from backproof.mathematics.arithmetic.balls.probabilities import categorical, in_form
from backproof.mathematics.arithmetic.certified import Certified, stacked
from backproof.mathematics.arithmetic.rounding.model import U64
from backproof.mathematics.functions.softmax import row_maximum, row_sum, single
from backproof.mathematics.losses import Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.network.network import Decision

ACTIVATION: str | None = "softmax"
BY_ROW = True
DECISION: Decision | None = "argmax"
LABELS: tuple[float, float] | None = (0.0, 1.0)


def latex() -> tuple[str, str, str]:
    """By Z the derivative is plain, as the targets of a row sum to 1."""
    element = r"-(Y \odot \log A)\, \mathbf{1}"
    why = r"-Y + (Y\, \mathbf{1} \mathbf{1}^\top) \odot A = A - Y"
    return element, "A - Y", why


def value(z: Values, a: Values, y: Values) -> tuple[Values, Values]:
    """−Σ y·log softmax(z); the targets of a row sum to 1."""
    shifted = z - row_maximum(z)
    rows = np.log(row_sum(np.exp(shifted))) - row_sum(y * shifted)
    return rows, a - y


def ball(z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
    """Rows move by Σ_j r_j·|p_j − y_j|, and p_j by at most a factor exp(4r) over the reach.

    Roundings of the rows, with D = max − z, p the softmax and L = log Σ exp(−D) ≤ log m: Σ is off
    by the charge on exp, by u·Σ p·D ≤ u·log m and by the sum over m; its logarithm by that and the
    charge on log; L + max by u·(|max| + L); Σ y·z, or Σ y·(D + L), which is the row itself, by
    γ·(|max| + row), for all that is in it is at most that in size. Where the targets sum to 1 only
    nearly, forms differ by (Σy − 1)·lse. The derivative is the softmax (see there) minus y.
    Where that is exactly 1, rows are exactly 0, and 1 − y is exact.
    """
    rows, slope = value(z.value, a.value, y.value)
    if single(z, rounding) and rounding.form.of == "logits":
        return Ball(rows, np.zeros_like(rows)), Ball(slope, np.zeros_like(slope))
    m = z.value.shape[1]
    spread = float(np.log(m))
    inner = rounding.charge("exp") + rounding.unit * spread + rounding.gamma(m)
    off = np.abs(row_sum(y.value) - 1)
    off += m * U64
    size = np.abs(row_maximum(z.value))
    size += np.abs(rows)
    size += spread
    if z.radius is not None:
        weight = np.abs(slope)
        weight += (growth(z.radius, 4) - 1) * a.value
        weight *= z.radius
        largest = row_maximum(z.radius)
        moved = np.minimum(row_sum(weight) + 2.0**-48 * largest, 2 * largest)
        size += 2 * (moved + largest)
    radius = size * (off + rounding.gamma(m + 5))
    radius += inner * (1 + 2 * inner) + (rounding.charge("log") + 2 * rounding.unit) * spread
    if z.radius is not None:
        radius += moved
    radius *= SLACK
    radius += rounding.eta
    assert a.radius is not None
    own = a.radius_with(rounding.unit + rounding.gamma(m + 1) + float(off.max()))
    own += rounding.unit * y.magnitude
    own *= SLACK
    own += rounding.eta
    return in_form(z, a, y, rounding, (Ball(rows, radius), Ball(slope, own)), categorical)


def certified(z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
    """−Σ y·log p of the certified softmax, whose every element has a full relative precision."""
    pairs = zip(a.by_row(list), y.by_row(list), strict=True)
    rows = [
        [-sum((t * p.log() for p, t in zip(row, targets, strict=True) if not t.is_zero()), arb(0))]
        for row, targets in pairs
    ]
    return stacked(rows), a.zip(lambda p, t: p - t, y)


def check_targets(y: Values) -> str | None:
    """A row of targets must be a distribution: p·Σy − y = p − y, as all implementations have it."""
    # Sums of m numbers in the targets' dtype: any order errs by at most m·eps.
    off = np.abs(y.astype(np.float64).sum(axis=1) - 1) > y.shape[1] * np.finfo(y.dtype).eps
    if (y < 0).any() or off.any():
        row = int(np.flatnonzero((y < 0).any(axis=1) | off)[0])
        return (
            f"row {row} of the targets is {y[row].tolist()}, which does not sum to 1: give one_hot"
        )
    return None


def terms(y: Values) -> int:
    """−y·log p for each class with a target above 0."""
    return int(np.count_nonzero(y))
