"""Sums for means and means for sums, over the batch and over the outputs."""

from __future__ import annotations

from collections.abc import Iterator

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import (
    T,
    over,
    over_samples,
    samples,
    times,
    times_samples,
)
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target

family = Family(__name__)


def both(change: Change) -> dict[str, Change]:
    """Loss and derivative alike: the right gradient of another loss."""
    return {"loss/rows": change, "loss/slope": change}


def averaged(of: Target) -> bool:
    """Whether the mean is taken over the outputs."""
    return of.network.loss.outputs == "mean" and not of.head.BY_ROW


@family.fault(Kind.CONVENTION, "L = 1/n Σ_s ℓ_s")
def summed_over_batch(of: Target) -> Iterator[Plant]:
    """The loss and its gradient are summed over the batch, not averaged."""
    if of.network.loss.averaged:
        yield Plant("", both(times_samples))


@family.fault(Kind.CONVENTION, "L = Σ_s ℓ_s")
def averaged_over_batch(of: Target) -> Iterator[Plant]:
    """The loss and its gradient are averaged over the batch, not summed."""
    if of.network.loss.batch == "sum":
        yield Plant("", both(over_samples))


@family.fault(Kind.MATHEMATICAL, "L = 1/n Σ_s ℓ_s, of which δ = 1/n ∂ℓ/∂z is the derivative")
def value_summed_over_batch(of: Target) -> Iterator[Plant]:
    """The loss is summed over the batch, but its gradient is that of the mean."""
    if of.network.loss.averaged:
        yield Plant("", {"loss/data": times_samples})


@family.fault(Kind.MATHEMATICAL, "L = Σ_s ℓ_s, of which δ = ∂ℓ/∂z is the derivative")
def value_averaged_over_batch(of: Target) -> Iterator[Plant]:
    """The loss is averaged over the batch, but its gradient is that of the sum."""
    if of.network.loss.batch == "sum":
        yield Plant("", {"loss/data": over_samples})


@family.fault(Kind.MATHEMATICAL, "δ = 1/n ∂ℓ/∂z, as the loss is 1/n Σ_s ℓ_s")
def gradient_summed_over_batch(of: Target) -> Iterator[Plant]:
    """The gradient is summed over the batch, but the loss is the mean."""
    if of.network.loss.averaged:
        yield Plant("", {"loss/slope": times_samples})


@family.fault(Kind.MATHEMATICAL, "δ = ∂ℓ/∂z, as the loss is Σ_s ℓ_s")
def gradient_averaged_over_batch(of: Target) -> Iterator[Plant]:
    """The gradient is averaged over the batch, but the loss is the sum."""
    if of.network.loss.batch == "sum":
        yield Plant("", {"loss/slope": over_samples})


@family.fault(Kind.MATHEMATICAL, "∂L/∂W = aᵀ δ with δ = 1/n ∂ℓ/∂z: one 1/n")
def gradient_averaged_twice(of: Target) -> Iterator[Plant]:
    """The gradient is divided by the number of samples twice."""
    if of.network.loss.averaged:
        yield Plant("", {"loss/slope": over_samples})


@family.fault(Kind.CONVENTION, "ℓ = 1/m Σ_j ℓ_j over the m outputs")
def summed_over_outputs(of: Target) -> Iterator[Plant]:
    """The loss and its gradient are summed over the outputs, not averaged."""
    if averaged(of) and of.network.outputs > 1:
        yield Plant("", both(times(of.network.outputs)))


@family.fault(Kind.CONVENTION, "ℓ = Σ_j ℓ_j over the outputs")
def averaged_over_outputs(of: Target) -> Iterator[Plant]:
    """The loss and its gradient are averaged over the outputs, not summed."""
    if not averaged(of) and of.network.outputs > 1:
        yield Plant("", both(over(of.network.outputs)))


@family.fault(Kind.MATHEMATICAL, "the same reduction over the outputs in L and in δ = ∂L/∂z")
def value_averaged_over_outputs(of: Target) -> Iterator[Plant]:
    """The loss is divided by the number of outputs, but its gradient is not."""
    if of.network.outputs > 1:
        yield Plant("", {"loss/data": over(of.network.outputs)})


@family.fault(Kind.MATHEMATICAL, "the same reduction over the outputs in L and in δ = ∂L/∂z")
def gradient_averaged_over_outputs(of: Target) -> Iterator[Plant]:
    """The gradient is divided by the number of outputs, but the loss is not."""
    if of.network.outputs > 1:
        yield Plant("", {"loss/slope": over(of.network.outputs)})


@family.fault(Kind.CONVENTION, "1/n, with the n samples of the batch")
def one_sample_less(of: Target) -> Iterator[Plant]:
    """The mean over the batch is divided by n − 1 instead of n."""
    if of.network.loss.averaged:
        yield Plant("", both(unbiased))


def unbiased(value: T, scope: Scope[T]) -> T:
    """n/(n − 1) times the value; a batch of one stays as it is."""
    count = samples(scope)
    return scope.ops.scale(value, float(count), max(count - 1, 1), roundings=2)
