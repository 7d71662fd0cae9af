"""Standardising in elementary operations: all arithmetics but the balls, whose rule is their own.

The random arithmetic needs no other rule: it carries the errors of all steps along, and knows which
of them a group shares.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.arithmetic.standard import Standard

T = TypeVar("T")

# How often code rounds at the sizes of x and μ, not of x − μ, that computes x·(γ/s) + (β − μ·γ/s):
# 1/s times γ, times x; 1/s times γ, times μ; the sum with β; the last sum.
UNCENTRED = 5


def variance(ops: Ops[T], x: T, by: Standard) -> T:
    """v of each group, in the shape without the axes."""
    return _variance(ops, _centred(ops, x, by, 0), by)


def standardised(ops: Ops[T], x: T, by: Standard, terms: int) -> T:
    """x̂; x and μ are charged `UNCENTRED` roundings each, and ``terms`` more."""
    centred = _centred(ops, x, by, UNCENTRED + terms)
    return ops.divide(centred, _spread(ops, _deviation(ops, x, by), x, by))


def pulled(ops: Ops[T], x: T, cotangent: T, by: Standard) -> T:
    """x̄ = (ḡ − mean ḡ − q·Σ(ḡ ⊙ x̂)/N)/s, with q = x̂, or (x − μ)/√v where ε is not inside.

    The mean of ḡ is left out where μ is. N is the divisor of the variance.
    """
    groups = by.groups(_shape(x))
    n, divisor = groups.terms, groups.divisor
    normal = standardised(ops, x, by, n)
    direction = normal if by.inside else standardised(ops, x, replace(by, epsilon=0.0), n)
    summed = ops.total(ops.multiply(cotangent, normal), groups.axes)
    along = _spread(ops, ops.scale(summed, 1, divisor), x, by)
    inner = ops.subtract(cotangent, ops.multiply(direction, along))
    if by.centred:
        mean = ops.scale(ops.total(cotangent, groups.axes), 1, n)
        inner = ops.subtract(inner, _spread(ops, mean, x, by))
    return ops.divide(inner, _spread(ops, _deviation(ops, x, by), x, by))


def _centred(ops: Ops[T], x: T, by: Standard, roundings: int) -> T:
    charged = ops.as_summand(x, roundings) if roundings else x
    if not by.centred:
        return charged
    groups = by.groups(_shape(x))
    mean = ops.scale(ops.total(x, groups.axes), 1, groups.terms)
    mean = ops.as_summand(mean, roundings) if roundings else mean
    return ops.subtract(charged, _spread(ops, mean, x, by))


def _variance(ops: Ops[T], centred: T, by: Standard) -> T:
    groups = by.groups(_shape(centred))
    return ops.scale(ops.total(ops.multiply(centred, centred), groups.axes), 1, groups.divisor)


def _deviation(ops: Ops[T], x: T, by: Standard) -> T:
    """s of each group."""
    v = variance(ops, x, by)
    if not by.epsilon:
        return ops.sqrt(v)
    epsilon = ops.constant(by.epsilon, v, 1)
    return ops.sqrt(ops.add(v, epsilon)) if by.inside else ops.add(ops.sqrt(v), epsilon)


def _spread(ops: Ops[T], each: T, x: T, by: Standard) -> T:
    """What each group has, at all of its elements."""
    return ops.gather(each, by.groups(_shape(x)).places)


def _shape(x: object) -> tuple[int, ...]:
    shape: tuple[int, ...] = x.shape  # type: ignore[attr-defined] # every arithmetic has it
    return shape
