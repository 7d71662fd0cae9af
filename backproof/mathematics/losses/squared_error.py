"""squared_error: (a − y)² for each output; derivative 2(a − y)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backproof.mathematics.losses import Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.balls.ball import Ball
    from backproof.mathematics.arithmetic.certified import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.network.network import Decision

ACTIVATION: str | None = None
BY_ROW = False
DECISION: Decision | None = None
LABELS: tuple[float, float] | None = None


def latex() -> tuple[str, str, str]:
    """The element, and its derivative by A."""
    return "(A - Y)^2", r"2\, (A - Y)", ""


def value(z: Values, a: Values, y: Values) -> tuple[Values, Values]:
    """(a − y)² and 2(a − y)."""
    difference = a - y
    return difference * difference, 2 * difference


def ball(z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
    """By the rules of difference and product; doubling is exact."""
    difference = a.minus(y, rounding)
    return difference.times(difference, rounding), difference.doubled()


def certified(z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
    """As `value`."""
    difference = a.zip(lambda x, t: x - t, y)
    return difference.map(lambda d: d * d), difference.map(lambda d: 2 * d)


def check_targets(y: Values) -> str | None:
    """Any target will do."""
    return None


def terms(y: Values) -> int:
    """One for each output."""
    return y.size
