"""The forward pass of a layer: an activation missing, of another kind, applied twice, lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.mathematics import functions
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import (
    T,
    arriving,
    computed,
    instead,
    pulled,
    rows_of,
    scaled_slope,
    turned,
)
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target
from backproof.mathematics.functions import Activation

family = Family(__name__)

FORWARD = "a = f(z) with the activation that the network declares"
KERNEL = "∂L/∂W_{k+1} = a_kᵀ δ_{k+1}"
LEAK = 0.01
MARGIN = 0.01


def curved(of: Target) -> list[Place]:
    """The hidden layers with an activation other than the identity."""
    return [layer for layer in of.hidden if layer.f.name != "linear"]


@family.fault(Kind.MATHEMATICAL, FORWARD)
def missing(of: Target) -> Iterator[Plant]:
    """The activation is left out, forwards and backwards: the layer is linear."""
    for layer in curved(of):
        yield Plant(
            layer.name,
            {
                f"activation/{layer.name}": instead(f"z/{layer.name}"),
                f"delta/{layer.name}": instead(f"back/{layer.name}"),
            },
        )


@family.fault(Kind.MATHEMATICAL, FORWARD)
def missing_at_output(of: Target) -> Iterator[Plant]:
    """The last activation is left out: pre-activations stand for the outputs."""
    if not of.ends or of.last.f.name == "linear":
        return
    name = of.last.name
    logits = {f"activation/{name}": instead(f"z/{name}")}
    if of.fused:
        yield Plant("", {**logits, "loss/rows": rows_of(of.last), "loss/slope": error(of.last)})
    else:
        yield Plant("", {**logits, f"delta/{name}": lambda value, scope: scaled_slope(scope)})


@family.fault(Kind.CONVENTION, FORWARD)
def of_another_kind(of: Target) -> Iterator[Plant]:
    """Another activation is applied, with its own derivative."""
    for layer in of.hidden:
        for name in ("relu", "sigmoid", "tanh"):
            if name != layer.f.name:
                other = functions.named(name)
                yield Plant(
                    f"{layer.name}, {name}",
                    {
                        f"activation/{layer.name}": computed(other, layer.name),
                        f"delta/{layer.name}": pulled(other, layer.name),
                    },
                )


@family.fault(Kind.CONVENTION, "f(z) = max(z, 0)")
def leaky(of: Target) -> Iterator[Plant]:
    """The ReLU is leaky, with a slope of 0.01 for z < 0."""
    for layer in curved(of):
        if layer.f.name == "relu":
            yield Plant(
                layer.name,
                {
                    f"activation/{layer.name}": leaking(instead(f"z/{layer.name}")),
                    f"delta/{layer.name}": leaking(instead(f"back/{layer.name}")),
                },
            )


@family.fault(Kind.MATHEMATICAL, "a = f(z), once")
def applied_twice(of: Target) -> Iterator[Plant]:
    """The activation is applied twice, with the derivative of that."""
    for layer in curved(of):
        moot = "max(max(z, 0), 0) = max(z, 0)" if layer.f.name == "relu" else ""
        changes = {
            f"activation/{layer.name}": applied(layer.f),
            f"delta/{layer.name}": pulled_twice(layer),
        }
        yield Plant(layer.name, changes, moot)


@family.fault(Kind.MATHEMATICAL, "a_0 = x: the inputs as they are")
def of_inputs(of: Target) -> Iterator[Plant]:
    """The activation is applied to the inputs as well."""
    if not of.hidden:
        return
    f = of.layers[0].f
    if f.name in ("relu", "sigmoid", "tanh"):
        yield Plant("", {"inputs": applied(f)})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def overwritten_by_preactivation(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel takes the pre-activations of the layer below for its outputs."""
    for layer in curved(of):
        above = of.above(layer)
        yield Plant(
            above.name, {f"data_gradient/{above.kernel}": product(f"z/{layer.name}", above)}
        )


@family.fault(Kind.MATHEMATICAL, KERNEL)
def overwritten_by_derivative(of: Target) -> Iterator[Plant]:
    """The activations of the layer below have been overwritten by their derivatives."""
    for layer in curved(of):
        above = of.above(layer)
        yield Plant(above.name, {f"data_gradient/{above.kernel}": of_slopes(layer, above)})


@family.fault(Kind.MATHEMATICAL, KERNEL)
def overwritten_by_next(of: Target) -> Iterator[Plant]:
    """The activations of the layer below have been overwritten by the layer's own."""
    for layer in of.hidden:
        above = of.above(layer)
        if above.square:
            own = product(f"activation/{above.name}", above)
            yield Plant(above.name, {f"data_gradient/{above.kernel}": own})


@family.fault(Kind.MATHEMATICAL, "f′(z) = 1 for z > 0, else 0")
def kink_moved(of: Target) -> Iterator[Plant]:
    """The derivative of the ReLU is 0 up to z = 0.01."""
    for layer in curved(of):
        if layer.f.name == "relu":
            yield Plant(layer.name, {f"delta/{layer.name}": beyond(layer, MARGIN)})


@family.fault(Kind.CONVENTION, "f(z) = max(z, 0)")
def bounded(of: Target) -> Iterator[Plant]:
    """The ReLU is cut off at 6."""
    for layer in curved(of):
        if layer.f.name == "relu":
            yield Plant(
                layer.name,
                {
                    f"activation/{layer.name}": cut_off(layer, 6.0),
                    f"delta/{layer.name}": stopped(layer, 6.0),
                },
            )


def applied(f: Activation) -> Change:
    """f of the value."""
    return lambda value, scope: scope.ops.activate(f, value)


def cut_off(layer: Place, limit: float) -> Change:
    """max(z, 0) − max(z − limit, 0)."""

    def change(value: T, scope: Scope[T]) -> T:
        excess = less(scope.values[f"z/{layer.name}"], scope, limit)
        return scope.ops.subtract(value, scope.ops.activate(layer.f, excess))

    return change


def stopped(layer: Place, limit: float) -> Change:
    """The delta, and nothing beyond a limit."""
    outside = beyond(layer, limit)
    return lambda delta, scope: scope.ops.subtract(delta, outside(delta, scope))


def error(last: Place) -> Change:
    """Outputs minus targets."""
    return lambda value, s: s.ops.subtract(s.values[f"activation/{last.name}"], s.values["targets"])


def leaking(whole: Change) -> Change:
    """What passes, and a share of what does not."""

    def change(value: T, scope: Scope[T]) -> T:
        ops = scope.ops
        stopped = ops.subtract(whole(value, scope), value)
        return ops.add(value, ops.scale(stopped, LEAK))

    return change


def pulled_twice(layer: Place) -> Change:
    """What arrives, through f at f(z), then through f at z."""

    def change(value: T, scope: Scope[T]) -> T:
        ops, z = scope.ops, scope.values[f"z/{layer.name}"]
        once = ops.activate(layer.f, z)
        inner = ops.vjp(layer.f, once, ops.activate(layer.f, once), arriving(scope, layer.name))
        return ops.vjp(layer.f, z, once, inner)

    return change


def product(site: str, layer: Place) -> Change:
    """The gradient of a layer's kernel with the value of a site for what came in."""
    return lambda value, s: s.ops.matmul(turned(s.values[site], s), s.values[f"delta/{layer.name}"])


def of_slopes(layer: Place, above: Place) -> Change:
    """The gradient of a kernel with the derivatives of the layer below for its activations."""

    def change(value: T, scope: Scope[T]) -> T:
        ops, z = scope.ops, scope.values[f"z/{layer.name}"]
        ones = ops.exact(np.ones(z.shape))
        slopes = ops.vjp(layer.f, z, ops.activate(layer.f, z), ones)
        return ops.matmul(turned(slopes, scope), scope.values[f"delta/{above.name}"])

    return change


def less(value: T, scope: Scope[T], amount: float) -> T:
    """The value less a constant."""
    return scope.ops.subtract(value, scope.ops.exact(np.full(value.shape, amount)))


def beyond(layer: Place, margin: float) -> Change:
    """What arrives, where the pre-activation is beyond a margin."""
    f: Activation = layer.f

    def change(value: T, scope: Scope[T]) -> T:
        z = less(scope.values[f"z/{layer.name}"], scope, margin)
        return scope.ops.vjp(f, z, scope.ops.activate(f, z), arriving(scope, layer.name))

    return change
