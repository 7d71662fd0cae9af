"""binary_cross_entropy: softplus(z) − y·z for each logit z; derivative σ(z) − y."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.balls.probabilities import binary, in_form
from backproof.mathematics.functions.softplus import Softplus
from backproof.mathematics.losses import Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.network.network import Decision

ACTIVATION: str | None = "sigmoid"
BY_ROW = False
DECISION: Decision | None = "threshold"
SOFTPLUS = Softplus()
LABELS: tuple[float, float] | None = (0.0, 1.0)


def latex() -> tuple[str, str, str]:
    """By Z the derivative is plain: what the sigmoid's has, the logarithms' divide by."""
    element = r"-Y \odot \log A - (1 - Y) \odot \log(1 - A)"
    why = r"\frac{A - Y}{A \odot (1 - A)} \odot A \odot (1 - A) = A - Y"
    return element, "A - Y", why


def value(z: Values, a: Values, y: Values) -> tuple[Values, Values]:
    """−y·log σ(z) − (1 − y)·log(1 − σ(z)), in the form max(z, 0) − y·z + log1p(exp(−|z|))."""
    rows = np.log1p(np.exp(-np.abs(z)))
    rows += np.maximum(z, 0) - y * z
    return rows, a - y


def ball(z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
    """Rows move by r_z·|σ − y| (and |σ − y| by at most r_z/2 over the reach of 2r_z).

    Roundings of the rows: softplus(z) may be evaluated whole (`logaddexp`) or as
    max(z, 0) + log1p(exp(−|z|)), and y·z taken off it: each term at its own size. PyTorch takes
    (1 − y)·z − log σ(z), so that up to four roundings are of the size of z. The derivative
    σ(z) − y errs as σ does, and by its own rounding. Of TensorFlow's [z > 0] − y ∓ e/(1 + e) the
    last term, the smaller of σ and 1 − σ, rounds five times; the first is exact for a target of
    0 or 1, and so is each product in y·(σ − 1) + (1 − y)·σ. JAX's is that of its softplus, minus y.
    """
    rows, slope = value(z.value, a.value, y.value)
    inner, outer = rounding.charge("exp"), rounding.charge("log1p")
    charge = 3 * rounding.unit + rounding.charge("softplus", inner + outer + inner * outer)
    # PyTorch's (1 − y)·z − log σ(z) has terms of the size of z where the loss is small.
    terms = 4 * rounding.unit
    charge *= 1 + terms  # and what rounds after the function rounds its error too
    share = charge * y.magnitude
    share += terms
    softplus = y.value * z.value  # what cancels in y·z + rows is far below terms·|z|
    softplus += rows
    radius = share * np.abs(z.value)
    radius += charge * softplus
    if z.radius is not None:
        share += charge
        share *= 2
        moved = np.abs(slope)
        moved += z.radius
        moved *= 1 + 2 * charge
        moved += share
        moved *= z.radius
        radius += moved
    radius *= SLACK
    radius += rounding.eta
    if "binary_cross_entropy" in rounding.slopes:
        one = Ball(np.ones_like(z.value), None)
        a = SOFTPLUS.vjp_ball(z, a, one, rounding)
    assert a.radius is not None
    own = np.minimum(a.value, 1 - a.value)
    own *= 5
    own += 2 * np.abs(slope)
    soft = (y.value != 0) & (y.value != 1)
    if soft.any():
        own += 4 * soft * np.abs((z.value > 0) - y.value)
    own *= rounding.unit
    own += (1 + 8 * rounding.unit) * a.radius
    own *= SLACK
    own += rounding.eta
    return in_form(z, a, y, rounding, (Ball(rows, radius), Ball(slope, own)), binary)


def certified(z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
    """softplus(z) − y·z; the cancellation for large z costs bits, of which there are more."""
    rows = z.zip(lambda x, t: x.nonnegative_part() + (-abs(x)).exp().log1p() - t * x, y)
    return rows, a.zip(lambda p, t: p - t, y)


def check_targets(y: Values) -> str | None:
    """Targets are probabilities."""
    outside = (y < 0) | (y > 1)
    return f"target {y[outside][0]} is not in [0, 1]" if outside.any() else None


def terms(y: Values) -> int:
    """One for each output; of a target between 0 and 1, −y·log a and −(1 − y)·log(1 − a)."""
    return y.size + int(np.count_nonzero((y > 0) & (y < 1)))
