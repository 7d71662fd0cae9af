"""The batch: samples dropped, targets that belong to others, inputs in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T, rows_kept, samples
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target
from backproof.mathematics.network.parameters import Array, Batch

family = Family(__name__)

ALL = "every sample of the batch in the loss and in the gradient"
TARGETS = "the targets of the batch as they are"


@family.fault(Kind.MATHEMATICAL, ALL)
def last_dropped(of: Target) -> Iterator[Plant]:
    """The last sample is left out of the loss and the gradient, but counted."""
    yield Plant("", {"loss/rows": all_but_last, "loss/slope": all_but_last})


@family.fault(Kind.MATHEMATICAL, ALL)
def last_dropped_from_gradient(of: Target) -> Iterator[Plant]:
    """The last sample is left out of the gradient: the loop ends one early."""
    yield Plant("", {"loss/slope": all_but_last})


@family.fault(Kind.MATHEMATICAL, ALL)
def partial_batch_dropped(of: Target) -> Iterator[Plant]:
    """The samples beyond the last full mini-batch (of a power of 2) are dropped."""
    yield Plant("", {"loss/rows": full_part, "loss/slope": full_part})


@family.fault(Kind.MATHEMATICAL, "∂L/∂W += of every sample, not =")
def gradient_of_last_only(of: Target) -> Iterator[Plant]:
    """The gradient is that of the last sample alone: the loop overwrites it."""
    yield Plant("", {"loss/slope": last_alone})


@family.fault(Kind.MATHEMATICAL, "each sample with its own target")
def targets_misaligned(of: Target) -> Iterator[Plant]:
    """The targets belong to the samples before: inputs and targets are out of step."""
    yield Plant("", {"targets": exactly(lambda batch: np.roll(batch.targets, 1, axis=0))})


@family.fault(Kind.MATHEMATICAL, TARGETS)
def classes_shifted(of: Target) -> Iterator[Plant]:
    """The targets are off by one class: one_hot of labels that begin at 1."""
    if of.network.outputs > 1:
        yield Plant("", {"targets": exactly(lambda batch: np.roll(batch.targets, 1, axis=1))})


@family.fault(Kind.MATHEMATICAL, TARGETS)
def targets_inverted(of: Target) -> Iterator[Plant]:
    """The targets are inverted, 1 for 0 and 0 for 1."""
    if of.network.decision == "threshold":
        yield Plant("", {"targets": exactly(lambda batch: 1 - batch.targets)})


@family.fault(Kind.CONVENTION, TARGETS)
def targets_of_both_signs(of: Target) -> Iterator[Plant]:
    """The targets are −1 and 1 instead of 0 and 1."""
    if of.network.decision == "threshold":
        yield Plant("", {"targets": exactly(lambda batch: 2 * batch.targets - 1)})


@family.fault(Kind.MATHEMATICAL, "outputs and targets of one shape, (samples, 1)")
def targets_broadcast(of: Target) -> Iterator[Plant]:
    """Outputs of shape (n, 1) and targets of shape (n,) broadcast to (n, n): all against all."""
    if of.network.output_shape == (1,) and of.ends and not of.head.BY_ROW:
        scaled = of.network.loss.batch == "sum"
        yield Plant("", {"loss/rows": against_all(scaled, 0), "loss/slope": against_all(scaled, 1)})


@family.fault(Kind.MATHEMATICAL, "inputs transposed, where they are kept as (features, samples)")
def inputs_reshaped(of: Target) -> Iterator[Plant]:
    """The inputs are reshaped, where they should be transposed."""
    if features(of) > 1:
        yield Plant("", {"inputs": exactly(shuffled)})


@family.fault(Kind.MATHEMATICAL, "the features in the order of the kernel's rows")
def features_shifted(of: Target) -> Iterator[Plant]:
    """The features of the inputs are off by one."""
    if features(of) > 1:
        yield Plant("", {"inputs": exactly(lambda batch: np.roll(batch.inputs, 1, axis=1))})


def features(of: Target) -> int:
    """How many features a sample has along its last axis."""
    return of.network.input_shape[-1] if len(of.network.input_shape) == 1 else 0


def exactly(make: Callable[[Batch], Array]) -> Change:
    """Other data."""

    def change(value: T, scope: Scope[T]) -> T:
        assert scope.batch is not None
        return scope.ops.exact(make(scope.batch))

    return change


def shuffled(batch: Batch) -> Array:
    """The inputs as they come out when their transpose is reshaped."""
    return batch.inputs.T.reshape(batch.inputs.shape)


def all_but_last(value: T, scope: Scope[T]) -> T:
    """Every row but the last."""
    return rows_kept(value, scope, slice(None, -1))


def last_alone(value: T, scope: Scope[T]) -> T:
    """The last row alone."""
    return rows_kept(value, scope, -1)


def full_part(value: T, scope: Scope[T]) -> T:
    """As many rows as the largest power of 2 allows; a mean is taken over those."""
    count = samples(scope)
    full = 1 << (count.bit_length() - 1)
    kept = rows_kept(value, scope, slice(full))
    mean = scope.network.loss.averaged
    return scope.ops.scale(kept, float(count), full, roundings=2) if mean else kept


def against_all(scaled: bool, part: int) -> Change:
    """Loss (part 0) and derivative (part 1) of each output, averaged over all targets.

    Both are a quadratic or linear function of the target, q(y) = q(ȳ) + (q″/2)·var(y), where only
    the squared error has a q″, which is 2. A sum runs over n times as many elements.
    """

    def change(value: T, scope: Scope[T]) -> T:
        assert scope.batch is not None
        ops, last = scope.ops, scope.network.last.name
        targets = scope.batch.targets.astype(np.float64)
        mean = ops.exact(np.full(targets.shape, targets.mean()))
        z, a = scope.values[f"z/{last}"], scope.values[f"activation/{last}"]
        result = ops.loss_and_slope(scope.network.loss_function, z, a, mean)[part]
        if part == 0 and scope.network.loss.kind == "squared_error":
            result = ops.add(result, ops.exact(np.full(targets.shape, targets.var())))
        return ops.scale(result, float(len(targets))) if scaled else result

    return change
