"""The derivative of an activation: missing, of the wrong function, or taken at the wrong place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.mathematics import functions
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T, arriving, instead, one_minus
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target
from backproof.mathematics.functions import Activation

family = Family(__name__)

DELTA = "δ_k = (δ_{k+1} W_{k+1}ᵀ) ⊙ f_k′(z_k)"
SIGMOID = "σ′(z) = a (1 − a) with a = σ(z)"
TANH = "tanh′(z) = 1 − a² with a = tanh z"


def curved(of: Target) -> list[Place]:
    """The layers whose delta carries a derivative: hidden ones, and the last if not fused."""
    layers = of.hidden if of.fused else of.layers
    return [layer for layer in layers if layer.f.name != "linear"]


def in_layers(of: Target, *names: str) -> list[Place]:
    """The layers whose delta carries the derivative of one of these functions."""
    return [layer for layer in curved(of) if layer.f.name in names]


@family.fault(Kind.MATHEMATICAL, DELTA)
def missing(of: Target) -> Iterator[Plant]:
    """The derivative of the activation is missing from the delta."""
    for layer in curved(of):
        yield Plant(layer.name, {f"delta/{layer.name}": of_cotangent(layer)})


@family.fault(Kind.MATHEMATICAL, DELTA)
def missing_in_all_hidden(of: Target) -> Iterator[Plant]:
    """The derivative of the activation is missing from the delta of every hidden layer."""
    layers = [layer for layer in curved(of) if layer in of.hidden]
    if len(layers) > 1:
        yield Plant("", {f"delta/{x.name}": instead(f"back/{x.name}") for x in layers})


@family.fault(Kind.MATHEMATICAL, "δ = a − y: the derivative of the activation cancels in it")
def extra_at_output(of: Target) -> Iterator[Plant]:
    """The delta of the cross-entropy is multiplied by the derivative of the activation again."""
    if of.fused:
        yield Plant(of.last.name, {f"delta/{of.last.name}": again(of.last)})


@family.fault(Kind.MATHEMATICAL, DELTA)
def at_activation(of: Target) -> Iterator[Plant]:
    """The derivative is taken at the activation, f′(a), not at the pre-activation."""
    for layer in in_layers(of, "sigmoid", "tanh"):
        yield Plant(layer.name, {f"delta/{layer.name}": at_a(layer)})


@family.fault(Kind.MATHEMATICAL, f"{SIGMOID}; {TANH}")
def formula_of_preactivation(of: Target) -> Iterator[Plant]:
    """The derivative's formula in the activation is fed the pre-activation z."""
    for layer in in_layers(of, "sigmoid", "tanh"):
        formula = sigmoid_slope if layer.f.name == "sigmoid" else tanh_slope
        yield Plant(layer.name, {f"delta/{layer.name}": by(formula, layer, f"z/{layer.name}")})


@family.fault(Kind.MATHEMATICAL, "the derivative of the function that the layer applies")
def of_sigmoid(of: Target) -> Iterator[Plant]:
    """The derivative of the sigmoid, a (1 − a), is used for another activation."""
    for layer in in_layers(of, "tanh", "relu", "leaky_relu"):
        slope = by(sigmoid_slope, layer, f"activation/{layer.name}")
        yield Plant(layer.name, {f"delta/{layer.name}": slope})


@family.fault(Kind.MATHEMATICAL, "the derivative of the function that the layer applies")
def of_tanh(of: Target) -> Iterator[Plant]:
    """The derivative of tanh, 1 − a², is used for another activation."""
    for layer in in_layers(of, "sigmoid", "relu", "leaky_relu"):
        slope = by(tanh_slope, layer, f"activation/{layer.name}")
        yield Plant(layer.name, {f"delta/{layer.name}": slope})


@family.fault(Kind.MATHEMATICAL, "the derivative of the function that the layer applies")
def of_relu(of: Target) -> Iterator[Plant]:
    """The derivative of the ReLU, 1 for z > 0, is used for another activation."""
    relu = functions.named("relu")
    for layer in in_layers(of, "sigmoid", "tanh", "leaky_relu"):
        yield Plant(layer.name, {f"delta/{layer.name}": at_preactivation(relu, layer, layer)})


@family.fault(Kind.MATHEMATICAL, DELTA)
def of_another_layer(of: Target) -> Iterator[Plant]:
    """The derivative is taken at the pre-activation of another layer, cut or repeated to fit."""
    for layer in curved(of):
        for other in of.layers:
            width = other.fan_out
            if other is not layer and (width == 1 or width >= layer.fan_out):
                change = at_preactivation(layer.f, layer, other)
                yield Plant(f"{layer.name}, at {other.name}", {f"delta/{layer.name}": change})


@family.fault(Kind.MATHEMATICAL, DELTA)
def applied_twice(of: Target) -> Iterator[Plant]:
    """The derivative of the activation is applied twice."""
    for layer in curved(of):
        moot = "its values are 0 and 1, their own squares" if layer.f.name == "relu" else ""
        yield Plant(layer.name, {f"delta/{layer.name}": again(layer)}, moot)


@family.fault(Kind.MATHEMATICAL, SIGMOID)
def only_activation(of: Target) -> Iterator[Plant]:
    """The derivative of the sigmoid is a, without its factor 1 − a."""
    for layer in in_layers(of, "sigmoid"):
        slope = by(lambda a, s: a, layer, f"activation/{layer.name}")
        yield Plant(layer.name, {f"delta/{layer.name}": slope})


def of_cotangent(layer: Place) -> Change:
    """What arrives at the activation, as it is."""
    return lambda value, scope: arriving(scope, layer.name)


def again(layer: Place) -> Change:
    """The derivative applied to the delta."""
    z, a = f"z/{layer.name}", f"activation/{layer.name}"
    return lambda value, s: s.ops.vjp(layer.f, s.values[z], s.values[a], value)


def at_a(layer: Place) -> Change:
    """The derivative at the activation: f′(a)."""

    def change(value: T, scope: Scope[T]) -> T:
        a = scope.values[f"activation/{layer.name}"]
        outer = scope.ops.activate(layer.f, a)
        return scope.ops.vjp(layer.f, a, outer, arriving(scope, layer.name))

    return change


def sigmoid_slope(a: T, scope: Scope[T]) -> T:
    """a (1 − a)."""
    return scope.ops.multiply(a, one_minus(a, scope))


def tanh_slope(a: T, scope: Scope[T]) -> T:
    """1 − a²."""
    return one_minus(scope.ops.multiply(a, a), scope)


def by(formula: Change, layer: Place, site: str) -> Change:
    """What arrives times a formula of the value at a site."""
    return lambda value, scope: scope.ops.multiply(
        arriving(scope, layer.name), formula(scope.values[site], scope)
    )


def at_preactivation(f: Activation, layer: Place, other: Place) -> Change:
    """The derivative of f at the pre-activation of another layer, of as many units as fit."""

    def change(value: T, scope: Scope[T]) -> T:
        ops, z = scope.ops, scope.values[f"z/{other.name}"]
        units = np.arange(layer.fan_out) % other.fan_out
        if len(units) != other.fan_out:
            z = ops.gather(z, np.arange(z.shape[0])[:, None] * other.fan_out + units)
        return ops.vjp(f, z, ops.activate(f, z), arriving(scope, layer.name))

    return change
