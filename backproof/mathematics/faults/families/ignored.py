"""Labels that are ignored, and means over positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import over, times
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target
from backproof.mathematics.losses.categorical_cross_entropy import FUSED
from backproof.mathematics.losses.masked_categorical_cross_entropy import filled

family = Family(__name__)

MEAN = "L = 1/|V| Σ_V ℓ, over the rows V whose label is not ignored"
SLOPE = "∂ℓ/∂z = a − y, and 0 where the label is ignored"


def both(change: Change) -> dict[str, Change]:
    """Loss and derivative alike: the right gradient of another loss."""
    return {"loss/rows": change, "loss/slope": change}


def of_valid(of: Target) -> bool:
    """Whether the mean is over the rows that are not ignored."""
    return of.network.loss.batch == "valid"


@family.fault(Kind.CONVENTION, MEAN)
def mean_over_all(of: Target) -> Iterator[Plant]:
    """The sum over the labels that are not ignored is divided by the number of all of them."""
    if of_valid(of):
        yield Plant("", both(by_all))


@family.fault(Kind.MATHEMATICAL, MEAN)
def gradient_mean_over_all(of: Target) -> Iterator[Plant]:
    """The gradient is divided by the number of all labels, the loss by that of the valid ones."""
    if of_valid(of):
        yield Plant("", {"loss/slope": by_all})


@family.fault(Kind.MATHEMATICAL, SLOPE)
def gradient_at_ignored(of: Target) -> Iterator[Plant]:
    """Rows whose label is ignored have a gradient: that of a target of zeros, the softmax."""
    if of.head.IGNORES:
        yield Plant("", {"loss/slope": softmax_everywhere})


@family.fault(Kind.CONVENTION, SLOPE)
def ignored_as_first_class(of: Target) -> Iterator[Plant]:
    """A label that should be ignored counts as the first class."""
    if of.head.IGNORES:
        yield Plant("", {"loss/rows": as_first(0), "loss/slope": as_first(1)})


@family.fault(Kind.CONVENTION, "L = 1/(n T) Σ_s Σ_t ℓ_st")
def mean_over_samples_alone(of: Target) -> Iterator[Plant]:
    """The loss and its gradient are divided by the samples, not by samples times positions."""
    if of.network.loss.batch == "mean" and of.network.rows(1) > 1:
        yield Plant("", both(times(of.network.rows(1))))


@family.fault(Kind.CONVENTION, "L = 1/n Σ_s Σ_t ℓ_st")
def mean_over_positions_too(of: Target) -> Iterator[Plant]:
    """The loss and its gradient are divided by samples times positions, not by the samples."""
    if of.network.loss.batch == "samples" and of.network.rows(1) > 1:
        yield Plant("", both(over(of.network.rows(1))))


def by_all(value: Any, scope: Scope[Any]) -> Any:
    """The value by the number of all rows, where it will be divided by that of the valid ones."""
    assert scope.batch is not None
    kept = scope.network.valid(scope.batch.targets)
    return scope.ops.scale(value, float(kept.sum()), len(kept), roundings=2)


def logits(scope: Scope[Any]) -> tuple[Any, Any]:
    """Logits and probabilities, in rows."""
    network, ops, last = scope.network, scope.ops, scope.network.last.name
    fused = network.loss_of == "fused"
    z = scope.values[f"z/{last}" if fused else f"activation/{last}"]
    z = ops.reshaped(z, (int(np.prod(z.shape[:-1])), z.shape[-1]))
    return z, ops.activate(softmax(), z)


def softmax() -> Any:
    """The function of a row of logits."""
    from backproof.mathematics import functions

    return functions.named("softmax")


def softmax_everywhere(value: Any, scope: Scope[Any]) -> Any:
    """a − y in all rows."""
    assert scope.batch is not None
    y = scope.batch.targets.reshape(value.shape)
    return scope.ops.subtract(logits(scope)[1], scope.ops.exact(y))


def as_first(part: int) -> Change:
    """The loss (part 0) or its derivative (part 1) of targets without ignored rows."""

    def change(value: Any, scope: Scope[Any]) -> Any:
        assert scope.batch is not None
        z, a = logits(scope)
        y = scope.batch.targets.reshape(z.shape)
        return scope.ops.loss_and_slope(FUSED, z, a, scope.ops.exact(filled(y)))[part]

    return change
