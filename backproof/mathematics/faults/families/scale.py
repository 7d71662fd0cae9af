"""Constant factors that are missing, or that should not be there."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from backproof.mathematics.faults.changes import times
from backproof.mathematics.faults.fault import Family, Kind, Plant, Target

family = Family(__name__)


@family.fault(Kind.CONVENTION, "L as the network declares it, without a ½")
def half(of: Target) -> Iterator[Plant]:
    """The loss and its gradient carry a factor ½."""
    yield Plant("", {"loss/rows": times(0.5), "loss/slope": times(0.5)})


@family.fault(Kind.CONVENTION, "L as the network declares it, half as large")
def double(of: Target) -> Iterator[Plant]:
    """The loss and its gradient are twice as large: a ½ is missing from both."""
    yield Plant("", {"loss/rows": times(2), "loss/slope": times(2)})


@family.fault(Kind.MATHEMATICAL, "L without the ½, as its gradient is without it")
def value_half(of: Target) -> Iterator[Plant]:
    """The loss carries a factor ½ that its gradient does not know."""
    yield Plant("", {"loss/data": times(0.5)})


@family.fault(Kind.MATHEMATICAL, "L with the ½ that its gradient has")
def value_double(of: Target) -> Iterator[Plant]:
    """The loss is twice as large as the one that the gradient is of."""
    yield Plant("", {"loss/data": times(2)})


@family.fault(Kind.MATHEMATICAL, "∂(e²)/∂e = 2e: the 2 belongs into δ, unless L has a ½")
def gradient_half(of: Target) -> Iterator[Plant]:
    """The gradient is half as large as the derivative of the loss."""
    yield Plant("", {"loss/slope": times(0.5)})


@family.fault(Kind.MATHEMATICAL, "∂(½e²)/∂e = e: the ½ of L cancels the 2 in δ")
def gradient_double(of: Target) -> Iterator[Plant]:
    """The gradient is twice as large as the derivative of the loss."""
    yield Plant("", {"loss/slope": times(2)})


@family.fault(Kind.MATHEMATICAL, "δ_k = (δ_{k+1} W_{k+1}ᵀ) ⊙ f_k′(z_k), set once")
def delta_counted_twice(of: Target) -> Iterator[Plant]:
    """What comes back from the layer above is counted twice."""
    for layer in of.hidden:
        yield Plant(layer.name, {f"back/{layer.name}": times(2)})


@family.fault(Kind.MATHEMATICAL, "L in natural logarithms, of which a − y is the derivative")
def value_in_bits(of: Target) -> Iterator[Plant]:
    """The cross-entropy is taken with the logarithm to base 2."""
    if of.fused:
        yield Plant("", {"loss/data": times(1 / log(2))})


@family.fault(Kind.MATHEMATICAL, "L in natural logarithms, of which a − y is the derivative")
def value_in_decimals(of: Target) -> Iterator[Plant]:
    """The cross-entropy is taken with the logarithm to base 10."""
    if of.fused:
        yield Plant("", {"loss/data": times(1 / log(10))})
