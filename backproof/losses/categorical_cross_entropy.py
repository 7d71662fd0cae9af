"""categorical_cross_entropy: logsumexp(z) − Σ y·z for a row of logits; softmax(z) − y."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from flint import arb

from backproof.activations.softmax import row_maximum, row_sum
from backproof.arithmetic.ball import Ball, growth
from backproof.arithmetic.certified import Certified, stacked
from backproof.losses import Values

if TYPE_CHECKING:
    from backproof.network import Decision
    from backproof.rounding import Rounding

ACTIVATION: str | None = "softmax"
BY_ROW = True
DECISION: Decision | None = "argmax"


def value(z: Values, a: Values, y: Values) -> tuple[Values, Values]:
    """−Σ y·log softmax(z); the targets of a row sum to 1."""
    shifted = z - row_maximum(z)
    rows = np.log(row_sum(np.exp(shifted))) - row_sum(y * shifted)
    return rows, a - y


def ball(z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
    """Rows move by Σ_j r_j·|p_j − y_j|, and p_j by at most a factor exp(4r) over the reach.

    Roundings of the rows: log Σ exp(z − max), max and Σ y·z (or Σ y·(z − max)) each at its size,
    with the sum over m outputs inside the logarithm and the one over y·z. The derivative is the
    softmax (see there) minus y.
    """
    rows, slope = value(z.value, a.value, y.value)
    m = z.value.shape[1]
    size = np.max(np.abs(z.value), axis=1, keepdims=True)
    charge = 2 * rounding.charge("log") + rounding.charge("exp") + 2 * rounding.gamma(m + 3)
    radius = charge * (1 + np.log(m) + 4 * size) + rounding.tiny
    if z.radius is not None:
        moved = row_sum(z.radius * (np.abs(slope) + a.value * (growth(z.radius, 4) - 1)))
        largest = np.max(z.radius, axis=1, keepdims=True)
        radius += np.minimum(moved, 2 * largest) * (1 + charge) + 8 * charge * largest
    assert a.radius is not None
    own = rounding.unit * (a.magnitude + y.magnitude) + rounding.tiny
    return Ball(rows, radius), Ball(slope, a.radius + own)


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
