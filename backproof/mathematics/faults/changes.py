"""Changes that several faults share, over `Ops`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.definition.evaluate import reduced
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.fault import Change, Place
from backproof.mathematics.functions import Activation

# A value in any arithmetic.
T = Any


def centre(value: T) -> NDArray[np.float64]:
    """The numbers of a value in any arithmetic: for a change that takes one of two ways by them."""
    drawn = getattr(value, "drawn", None)  # in so many replicas, which all go the way of the first
    found = getattr(value, "value", value) if drawn is None else drawn[0]
    return np.asarray(found, np.float64)


def samples(scope: Scope[T]) -> int:
    """How many samples the batch has."""
    assert scope.batch is not None
    return len(scope.batch.inputs)


def times(factor: float) -> Change:
    """The value times a constant."""
    return lambda value, scope: scope.ops.scale(value, factor)


def over(divisor: int) -> Change:
    """The value divided by a whole number."""
    return lambda value, scope: scope.ops.scale(value, 1.0, divisor)


def times_samples(value: T, scope: Scope[T]) -> T:
    """The value times the number of samples."""
    return scope.ops.scale(value, float(samples(scope)))


def over_samples(value: T, scope: Scope[T]) -> T:
    """The value divided by the number of samples."""
    return scope.ops.scale(value, 1.0, samples(scope))


negated = times(-1.0)


def zero(value: T, scope: Scope[T]) -> T:
    """Exact zeros."""
    return scope.ops.exact(np.zeros(value.shape))


def instead(site: str) -> Change:
    """The value of another site."""
    return lambda value, scope: scope.values[site]


def masked(keep: NDArray[np.floating], value: T, scope: Scope[T]) -> T:
    """The value where ``keep`` is 1, 0 where it is 0."""
    return scope.ops.multiply(value, scope.ops.exact(keep))


def rows_kept(value: T, scope: Scope[T], rows: int | slice | Sequence[int]) -> T:
    """The value in some rows, 0 in the others."""
    keep = np.zeros(value.shape)
    keep[rows] = 1
    return masked(keep, value, scope)


def one_minus(value: T, scope: Scope[T]) -> T:
    """1 − value."""
    return scope.ops.subtract(scope.ops.exact(np.ones(value.shape)), value)


def turned(value: T, scope: Scope[T]) -> T:
    """The transpose."""
    return scope.ops.transpose(value)


def reshaped(value: T, scope: Scope[T]) -> T:
    """A matrix read row by row into its transposed shape: not its transpose."""
    return scope.ops.gather(
        value, np.arange(value.shape[0] * value.shape[1]).reshape(value.shape[::-1])
    )


def scaled_slope(scope: Scope[T]) -> T:
    """The derivative of the loss, by what the loss is taken of, reduced and scaled."""
    return reduced_as(scope, scope.values["loss/slope"])


def reduced_as(scope: Scope[T], value: T) -> T:
    """The value, reduced and scaled as the loss is."""
    assert scope.batch is not None
    counted = scope.network.counted(scope.batch.targets)
    return reduced(scope.ops, value, scope.network, samples(scope), counted)


def arriving(scope: Scope[T], layer: str) -> T:
    """What arrives at a layer's activation from above: the cotangent of the activation."""
    back = scope.values.get(f"back/{layer}")
    return scaled_slope(scope) if back is None else back


def pulled(f: Activation, layer: str) -> Change:
    """The delta of a layer by the derivative of f at the layer's pre-activation."""

    def change(value: T, scope: Scope[T]) -> T:
        z = scope.values[f"z/{layer}"]
        return scope.ops.vjp(f, z, scope.ops.activate(f, z), arriving(scope, layer))

    return change


def computed(f: Activation, layer: str) -> Change:
    """The activation of a layer by another function."""
    return lambda value, scope: scope.ops.activate(f, scope.values[f"z/{layer}"])


def rows_of(last: Place) -> Change:
    """The loss of every row, by the logits and the activation that belongs to them."""

    def change(value: T, scope: Scope[T]) -> T:
        z = scope.values[f"z/{last.name}"]
        a = scope.ops.activate(last.f, z)
        head = scope.network.loss_function
        return scope.ops.loss_and_slope(head, z, a, scope.values["targets"])[0]

    return change
