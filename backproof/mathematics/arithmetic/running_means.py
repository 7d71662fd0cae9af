"""Running means, as optimizers keep them, and how far their coefficients may be known."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")

# Between two ways to write one update lie a few roundings: a coefficient is a product, a factor
# goes to one term or to the sum, a slot is kept in other units and converted at each end.
CONVERTED = 4
# What one power errs beside its base, in roundings: some six ulps.
POWER = 12
# Up to here a power is exact.
EXACT_POWER = 1000
# Of those beyond: twice as many as certified arithmetic has.
FRACTION_BITS = 4096


def complement_roundings(beta: float) -> int:
    """In how many roundings 1 − β is reached: β is held to u, which is u·β/(1 − β) of 1 − β."""
    return ceil(beta / (1 - beta)) + 2 if beta else 0


def averaged(ops: Ops[T], kept: T, new: T, beta: float) -> T:
    """β·kept + (1 − β)·new; or, as some have it, kept + (1 − β)·(new − kept).

    The second way rounds at the size of (1 − β)·kept too: a difference, a product with what is
    known of 1 − β, a sum.
    """
    if not beta:
        return charged_at(ops, ops.charged(new, CONVERTED), kept, 3)
    held = complement_roundings(beta)
    share = ops.constant(1 - Fraction(beta), new, held)
    added = ops.multiply(ops.charged(new, CONVERTED), share)
    mean = ops.add(ops.scale(kept, beta, roundings=CONVERTED), added)
    return charged_at(ops, mean, ops.scale(kept, 1 - beta), held + 3)


def charged_at(ops: Ops[T], value: T, size: T, times: int) -> T:
    """The value, which may have been rounded so many times at the size of ``size``."""
    return ops.add(value, ops.subtract(ops.charged(size, times), size))


def to_the(beta: float, count: int) -> Fraction:
    """β to that power; beyond the first thousand to `FRACTION_BITS` binary places.

    Exactly it has 53 bits for each step, and Python's fractions take minutes for a hundred
    thousand. What is left out is less than any arithmetic here can tell from 0.
    """
    if count <= EXACT_POWER:
        return Fraction(beta) ** count
    one = 1 << FRACTION_BITS
    found, square = one, round(Fraction(beta) * one)
    while count:
        if count % 2:
            found = found * square >> FRACTION_BITS
        square, count = square * square >> FRACTION_BITS, count // 2
    return Fraction(found, one)


@lru_cache
def uncorrected(beta: float, count: int) -> tuple[Fraction, int]:
    """1 − βᵗ for the step after ``count`` of them, and the roundings in which it is reached.

    βᵗ is off by t·u for what β is held to, and by t roundings more if it is multiplied out, else by
    those of one power; 1 − βᵗ by as much, which is βᵗ/(1 − βᵗ) times that of its own size.
    """
    power = to_the(beta, count + 1)
    roundings = ceil((2 * (count + 1) + POWER) * power / (1 - power)) + 2
    return 1 - power, roundings if power else 0


def corrected(ops: Ops[T], mean: T, beta: float, count: int) -> T:
    """mean/(1 − βᵗ): without its bias towards 0, from where it has started."""
    share, roundings = uncorrected(beta, count)
    return ops.divide(mean, ops.constant(share, mean, roundings)) if share != 1 else mean
