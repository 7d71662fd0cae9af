"""The gradient of a kernel put together wrongly: loops that end early, means before products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import (
    T,
    instead,
    masked,
    over_samples,
    rows_kept,
    samples,
    times,
    turned,
)
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target

family = Family(__name__)

KERNEL = "∂L/∂W_ij = Σ_s a_si δ_sj for every i and j"


@family.fault(Kind.MATHEMATICAL, "∂L/∂W = aᵀ δ, with δ = cotangent ⊙ f′(z)")
def before_derivative(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel is taken before the derivative of the activation is applied."""
    for layer in of.hidden:
        if layer.f.name != "linear":
            yield Plant(layer.name, {f"data_gradient/{layer.kernel}": of_cotangent(layer)})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def product_of_means(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel is a product of sums over the samples, not a sum of products."""
    for layer in of.layers:
        yield Plant(layer.name, {f"data_gradient/{layer.kernel}": of_sums(layer)})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def last_sample_left_out(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel leaves the last sample out."""
    for layer in of.layers:
        yield Plant(layer.name, {f"data_gradient/{layer.kernel}": of_all_but_last(layer)})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def first_element_left_out(of: Target) -> Iterator[Plant]:
    """The first element of the kernel's gradient is never filled in."""
    for layer in of.layers:
        if layer.fan_in * layer.fan_out > 1:
            yield Plant(layer.name, {f"data_gradient/{layer.kernel}": without((0, 0))})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def last_row_left_out(of: Target) -> Iterator[Plant]:
    """The last row of the kernel's gradient is never filled in: a loop ends one early."""
    for layer in of.layers:
        if layer.fan_in > 1:
            yield Plant(layer.name, {f"data_gradient/{layer.kernel}": without((-1, slice(None)))})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def last_column_left_out(of: Target) -> Iterator[Plant]:
    """The last column of the kernel's gradient is never filled in: a loop ends one early."""
    for layer in of.layers:
        if layer.fan_out > 1:
            yield Plant(layer.name, {f"data_gradient/{layer.kernel}": without((slice(None), -1))})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def element_off(of: Target) -> Iterator[Plant]:
    """The last element of the kernel's gradient is off by a millionth."""
    for layer in of.layers:
        yield Plant(layer.name, {f"data_gradient/{layer.kernel}": slightly})


@family.fault(Kind.MATHEMATICAL, "∂L/∂W set once")
def counted_twice(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel is added to itself."""
    for layer in of.layers:
        yield Plant(layer.name, {f"data_gradient/{layer.kernel}": times(2)})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def averaged_again(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel is divided by the number of samples again, the bias's is not."""
    for layer in of.layers:
        yield Plant(layer.name, {f"data_gradient/{layer.kernel}": over_samples})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def units_reversed(of: Target) -> Iterator[Plant]:
    """The columns of the kernel's gradient belong to the units in reverse order."""
    for layer in of.layers:
        if layer.fan_out > 1:
            yield Plant(layer.name, {f"data_gradient/{layer.kernel}": mirrored})


@family.fault(Kind.MATHEMATICAL, "each layer's gradient under its own name")
def layers_swapped(of: Target) -> Iterator[Plant]:
    """The gradients of two kernels of one shape are exchanged."""
    for index, layer in enumerate(of.layers):
        for other in of.layers[index + 1 :]:
            shapes = [(x.fan_in, x.fan_out) for x in (layer, other)]
            if shapes[0] == shapes[1]:
                one, two = layer.kernel, other.kernel
                yield Plant(
                    f"{layer.name} and {other.name}",
                    {
                        f"gradient/{one}": instead(f"data_gradient/{two}"),
                        f"gradient/{two}": instead(f"data_gradient/{one}"),
                    },
                )


def of_cotangent(layer: Place) -> Change:
    """What came in times what arrives from above."""
    return lambda value, s: s.ops.matmul(
        turned(s.values[layer.incoming], s), s.values[f"back/{layer.name}"]
    )


def of_sums(layer: Place) -> Change:
    """Mean of what came in, times the sum of the deltas."""

    def change(value: T, scope: Scope[T]) -> T:
        ops = scope.ops
        fan_in, fan_out = layer.fan_in, layer.fan_out
        column = np.arange(fan_in)[:, None]
        row = np.arange(fan_out)[None, :]
        incoming = ops.gather(ops.total(scope.values[layer.incoming], axis=0), column)
        delta = ops.gather(ops.total(scope.values[f"delta/{layer.name}"], axis=0), row)
        return ops.scale(ops.matmul(incoming, delta), 1.0, samples(scope))

    return change


def of_all_but_last(layer: Place) -> Change:
    """What came in times the deltas, without the last sample's."""

    def change(value: T, scope: Scope[T]) -> T:
        delta = scope.values[f"delta/{layer.name}"]
        kept = rows_kept(delta, scope, slice(None, -1))
        return scope.ops.matmul(turned(scope.values[layer.incoming], scope), kept)

    return change


def without(place: tuple[int | slice, int | slice]) -> Change:
    """The matrix with zeros at a place."""

    def change(value: T, scope: Scope[T]) -> T:
        keep = np.ones(value.shape)
        keep[place] = 0
        return masked(keep, value, scope)

    return change


def slightly(value: T, scope: Scope[T]) -> T:
    """The last element 1.000001 times as large."""
    factors = np.ones(value.shape)
    factors[-1, -1] += 1e-6
    return masked(factors, value, scope)


def mirrored(value: T, scope: Scope[T]) -> T:
    """The columns from the last to the first."""
    rows, columns = value.shape
    return scope.ops.gather(value, np.arange(rows * columns).reshape(rows, columns)[:, ::-1])
