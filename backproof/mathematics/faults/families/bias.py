"""Biases: left out, added wrongly, or with a gradient that is reduced wrongly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T, over_samples, pulled, times, zero
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target

family = Family(__name__)

GRADIENT = "∂L/∂b = Σ_s δ, the sum over the samples for each unit"


@family.fault(Kind.MATHEMATICAL, "z = a W + b")
def left_out(of: Target) -> Iterator[Plant]:
    """The bias is left out of the forward pass."""
    for layer in of.biased:
        yield Plant(layer.name, {f"bias/{layer.name}": zero})


@family.fault(Kind.MATHEMATICAL, "z = a W + b")
def added_twice(of: Target) -> Iterator[Plant]:
    """The bias is added twice in the forward pass."""
    for layer in of.biased:
        yield Plant(layer.name, {f"bias/{layer.name}": times(2)})


@family.fault(Kind.MATHEMATICAL, "a = f(a_below W + b)")
def after_activation(of: Target) -> Iterator[Plant]:
    """The bias is added after the activation, not before it."""
    for layer in of.biased:
        if layer in of.hidden and layer.f.name != "linear":
            yield Plant(
                layer.name,
                {
                    f"bias/{layer.name}": zero,
                    f"activation/{layer.name}": plus_bias(layer),
                    f"delta/{layer.name}": pulled(layer.f, layer.name),
                },
            )


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_missing(of: Target) -> Iterator[Plant]:
    """The gradient of the bias is zero: the bias never learns."""
    for layer in of.biased:
        yield Plant(layer.name, {f"gradient/{layer.bias}": zero})


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_averaged(of: Target) -> Iterator[Plant]:
    """The gradient of the bias is the mean over the samples of a delta that is reduced already."""
    for layer in of.biased:
        yield Plant(layer.name, {f"data_gradient/{layer.bias}": over_samples})


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_summed_over_units(of: Target) -> Iterator[Plant]:
    """The gradient of the bias is one number, the sum over units and samples."""
    for layer in of.unitwise:
        if layer.fan_out > 1:
            yield Plant(layer.name, {f"data_gradient/{layer.bias}": one_for_all(layer, 1.0)})


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_averaged_over_units(of: Target) -> Iterator[Plant]:
    """The gradient of the bias is one number, the mean over the units."""
    for layer in of.unitwise:
        if layer.fan_out > 1:
            by_units = one_for_all(layer, 1 / layer.fan_out)
            yield Plant(layer.name, {f"data_gradient/{layer.bias}": by_units})


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_averaged_over_all(of: Target) -> Iterator[Plant]:
    """The gradient of every bias is one number a layer, the mean over units and samples."""
    wide = [layer for layer in of.unitwise if layer.fan_out > 1]
    if wide:
        yield Plant(
            "",
            {
                f"data_gradient/{layer.bias}": averaged_over_all(layer)
                if layer in wide
                else over_samples
                for layer in of.unitwise
            },
        )


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_of_wrong_axis(of: Target) -> Iterator[Plant]:
    """The gradient of the bias sums over the units of each sample: the wrong axis."""
    for layer in of.unitwise:
        if layer.fan_out > 1:
            yield Plant(layer.name, {f"data_gradient/{layer.bias}": by_sample(layer)})


@family.fault(Kind.MATHEMATICAL, f"{GRADIENT}, with δ = cotangent ⊙ f′(z)")
def gradient_before_derivative(of: Target) -> Iterator[Plant]:
    """The gradient of the bias is taken before the derivative of the activation is applied."""
    for layer in of.unitwise:
        if layer in of.hidden and layer.f.name != "linear":
            yield Plant(layer.name, {f"data_gradient/{layer.bias}": of_cotangent(layer)})


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_of_first_sample(of: Target) -> Iterator[Plant]:
    """The gradient of the bias is that of the first sample alone."""
    for layer in of.unitwise:
        yield Plant(layer.name, {f"data_gradient/{layer.bias}": of_first_sample(layer)})


def plus_bias(layer: Place) -> Change:
    """The bias on top of the activation."""
    return lambda value, s: s.ops.add(value, s.ops.exact(s.parameters[layer.bias]))


def one_for_all(layer: Place, factor: float) -> Change:
    """The sum over the units, times a factor, for every unit."""

    def change(value: T, scope: Scope[T]) -> T:
        ops, width = scope.ops, layer.fan_out
        delta = scope.values[f"delta/{layer.name}"]
        spread = ops.matmul(delta, ops.exact(np.ones((width, width))))
        return ops.scale(ops.total(spread, axis=0), factor)

    return change


def averaged_over_all(layer: Place) -> Change:
    """The mean over units and samples, for every unit."""
    by_units = one_for_all(layer, 1 / layer.fan_out)
    return lambda value, scope: over_samples(by_units(value, scope), scope)


def by_sample(layer: Place) -> Change:
    """The sums over the units of one sample after another, for as many units as there are."""

    def change(value: T, scope: Scope[T]) -> T:
        ops = scope.ops
        delta = scope.values[f"delta/{layer.name}"]
        sums = ops.total(ops.transpose(delta), axis=0)
        return ops.gather(sums, np.resize(np.arange(delta.shape[0]), layer.fan_out))

    return change


def of_cotangent(layer: Place) -> Change:
    """The sum over the samples of what arrives from above."""
    return lambda value, s: s.ops.total(s.values[f"back/{layer.name}"], axis=0)


def of_first_sample(layer: Place) -> Change:
    """The first row of the delta."""
    return lambda value, s: s.ops.gather(s.values[f"delta/{layer.name}"], np.arange(layer.fan_out))
