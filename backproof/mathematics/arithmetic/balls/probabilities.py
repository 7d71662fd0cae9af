"""Ball rules of a cross-entropy that is computed of probabilities, in the form declared.

The exact result is that of the logits. A computed probability p̂ lies within the radius r of the
exact P, so its logarithm is off by up to r/P: much, where P is small and r is that of 1 − p̂. A
guard against log 0 bends the function; where p̂ may have reached it, the radius covers the bend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball, Values
from backproof.mathematics.arithmetic.rounding.forms import Form
from backproof.mathematics.arithmetic.rounding.model import U64, Rounding


@dataclass(frozen=True, eq=False)
class Range:
    """Where the exact probability lies, and where any computed one does."""

    exact_low: Values
    exact_high: Values
    low: Values
    high: Values

    @classmethod
    def of(cls, p: Values, moved: Values | float, radius: Values, rounded: float) -> Range:
        """P within a factor exp(±moved) of p, p̂ within the radius of P, rounded relatively."""
        factor = np.exp(np.minimum(moved + 2.0**-50 * (1 + np.abs(np.log(p + 2.0**-1022))), 700))
        exact_low, exact_high = p / factor, np.minimum(p * factor, 1)
        low = np.maximum(exact_low - radius, 0) * (1 - rounded)
        return cls(exact_low, exact_high, low, (exact_high + radius) * (1 + rounded))

    def logarithm(self, form: Form, rounding: Rounding) -> tuple[Values, Values]:
        """How far log p̂ may lie from log P, and how large it may be."""
        unit = rounding.unit
        # The limits are numbers of the dtype: 1 − clip is off by u, and so is the clip of 1 − p.
        clip = (max(form.clip - 2 * unit, 0), form.clip + 2 * unit) if form.clip else (0, 0)
        ends = []
        for p, least, most, epsilon in (
            (self.low, clip[0], 1 - clip[1], form.epsilon * (1 - 2 * unit)),
            (self.high, clip[1], 1 - clip[0], form.epsilon * (1 + 2 * unit)),
        ):
            guarded = np.clip(p, least, most) if form.clip else p
            ends.append(np.maximum(np.log(guarded + epsilon), form.log_floor))
        low, high = ends
        exact_low, exact_high = np.log(self.exact_low), np.log(self.exact_high)
        size = np.maximum(np.abs(low), np.abs(high))
        gap = np.maximum(high - exact_low, exact_high - low)
        own = rounding.charge("log") * size + 4 * U64 * (size + np.abs(exact_low))
        # The sum p + ε rounds; the logarithm of a p near 1 feels it absolutely.
        return SLACK * (gap + own + (unit if form.epsilon else 0)), size

    def bent(self, form: Form, rounding: Rounding) -> NDArray[np.bool_]:
        """Where p̂ may have reached a guard, so that its derivative may be 0."""
        reached: NDArray[np.bool_] = np.zeros(self.low.shape, bool)
        if form.clip:
            margin = form.clip + 2 * rounding.unit
            reached |= (self.low <= margin) | (self.high >= 1 - margin)
        if form.log_floor > -inf:
            reached |= np.log(self.low + form.epsilon) <= form.log_floor * (1 - 2.0**-20)
        return reached


def in_form(
    z: Ball,
    a: Ball,
    y: Ball,
    rounding: Rounding,
    of_logits: tuple[Ball, Ball],
    rule: Callable[[Ball, Ball, Values, Rounding], tuple[Values, Values]],
) -> tuple[Ball, Ball]:
    """Loss and derivative with the radii of the declared form; of the larger, where it is open."""
    if rounding.form.of == "logits":
        return of_logits
    radii = rule(z, a, y.value, rounding)
    if rounding.form.or_logits:
        known = (ball.radius for ball in of_logits if ball.radius is not None)
        radii = (np.maximum(radii[0], next(known)), np.maximum(radii[1], next(known)))
    rows, slope = of_logits
    return Ball(rows.value, radii[0]), Ball(slope.value, radii[1])


def weighted(weight: Values, x: Values) -> Values:
    """weight · x, where a weight of 0 takes an infinity away."""
    result: Values = np.where(weight == 0, 0, weight * np.where(weight == 0, 0, x))
    return result


def binary(z: Ball, a: Ball, y: Values, rounding: Rounding) -> tuple[Values, Values]:
    """Radii of −y·log a − (1 − y)·log(1 − a), and of its derivative by z.

    By z, log a has the slope 1 − a and log(1 − a) the slope −a, either at most 1, and within r_z it
    grows by a factor of at most exp(r_z): so far they move. 1 − â has an error of r_a, and rounds
    once.
    The derivative, whether a − y or (−y/a + (1 − y)/(1 − a))·a·(1 − a), has terms y·(1 − a) and
    (1 − y)·a that round at most eight times; 1/(1 − â) meets the same 1 − â again.
    """
    assert a.radius is not None
    form, unit = rounding.form, rounding.unit
    reach: Values | float = 0.0 if z.radius is None else z.radius
    with np.errstate(all="ignore"):
        remaining = np.exp(-np.logaddexp(0, z.value))
        moved_a, moved_rest = (
            reach * np.fmin(SLACK * p * np.exp(reach), 1) for p in (remaining, a.value)
        )  # fmin: 0 · ∞ is at most 1 too
        of_a = Range.of(a.value, moved_a, a.radius, 0.0)
        of_rest = Range.of(remaining, moved_rest, a.radius, unit)
        error_a, size_a = of_a.logarithm(form, rounding)
        error_rest, size_rest = of_rest.logarithm(form, rounding)
        rest = 1 - y
        radius = weighted(y, error_a) + weighted(rest, error_rest)
        radius += 4 * unit * (weighted(y, size_a) + weighted(rest, size_rest))
        terms = y * of_rest.exact_high + rest * of_a.exact_high
        slope = a.radius + 8 * unit * (terms + a.radius)
        if form.epsilon:
            slope += terms * form.epsilon / (np.minimum(of_a.low, of_rest.low) + form.epsilon)
        bent = of_a.bent(form, rounding) | of_rest.bent(form, rounding)
        bent |= of_a.low * of_rest.low <= form.slope_floor * (1 + 2.0**-20)
        slope += np.where(bent, np.abs(a.value - y) + 2 * a.radius, 0)
    return SLACK * radius + rounding.eta, SLACK * slope + 4 * rounding.eta


def categorical(z: Ball, a: Ball, y: Values, rounding: Rounding) -> tuple[Values, Values]:
    """Radii of −Σ y·log p, and of its derivative by z.

    log p moves by at most twice the largest r_z. Implementations may divide p by its sum again. The
    derivative is p_i·Σy − y_i, however it is put together: m + 8 roundings of either term. A term
    j whose logarithm is bent may lose its part y_j·(p_i − [i = j]).
    """
    assert a.radius is not None
    form, p = rounding.form, a.value
    m = p.shape[1]
    moved = 0.0 if z.radius is None else 2 * z.radius.max(axis=1, keepdims=True)
    spread = np.abs(z.value - z.value.max(axis=1, keepdims=True))
    gamma = rounding.gamma_of_sum(m, 8)
    with np.errstate(all="ignore"):
        of_p = Range.of(p, moved + 2.0**-50 * spread, a.radius, rounding.gamma_of_sum(m, 2))
        error, size = of_p.logarithm(form, rounding)
        terms = weighted(y, error) + gamma * weighted(y, size)
        total = y.sum(axis=1, keepdims=True)
        slope = a.radius * total + gamma * (a.magnitude * total + y)
        lost = y * of_p.bent(form, rounding)
        if form.epsilon:
            lost = np.maximum(lost, y * form.epsilon / (of_p.low + form.epsilon))
        others = lost.sum(axis=1, keepdims=True) - lost
        slope += a.magnitude * np.maximum(others, 0) + lost * (1 - p + 2 * a.radius)
    return (
        SLACK * terms.sum(axis=1, keepdims=True) + rounding.eta,
        SLACK * slope + 4 * rounding.eta,
    )
