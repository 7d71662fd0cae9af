"""Wrong signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T, computed, negated, pulled
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target
from backproof.mathematics.functions import Activation

family = Family(__name__)


@family.fault(Kind.MATHEMATICAL, "∂ℓ/∂a ∝ a − y: the output minus the target")
def error_reversed(of: Target) -> Iterator[Plant]:
    """The error is target minus output, so that every gradient has the wrong sign."""
    yield Plant("", {"loss/slope": negated})


@family.fault(Kind.MATHEMATICAL, "L is the negative log-likelihood, or a sum of squares: positive")
def value_negated(of: Target) -> Iterator[Plant]:
    """The loss has the wrong sign, its gradient the right one."""
    yield Plant("", {"loss/data": negated})


@family.fault(Kind.CONVENTION, "L, which is minimised")
def maximised(of: Target) -> Iterator[Plant]:
    """The loss and its gradient both have the opposite sign."""
    yield Plant("", {"loss/rows": negated, "loss/slope": negated})


@family.fault(Kind.MATHEMATICAL, "δ_k = +(δ_{k+1} W_{k+1}ᵀ) ⊙ f_k′(z_k)")
def delta_negated(of: Target) -> Iterator[Plant]:
    """The delta has the wrong sign."""
    for layer in of.hidden:
        yield Plant(layer.name, {f"back/{layer.name}": negated})


@family.fault(Kind.MATHEMATICAL, "∂L/∂W = aᵀ δ")
def kernel_gradient_negated(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel has the wrong sign."""
    for layer in of.layers:
        yield Plant(layer.name, {f"data_gradient/{layer.kernel}": negated})


@family.fault(Kind.MATHEMATICAL, "∂L/∂b = +Σ_s δ, as z = a W + b")
def bias_gradient_negated(of: Target) -> Iterator[Plant]:
    """The gradient of the bias has the wrong sign."""
    for layer in of.biased:
        yield Plant(layer.name, {f"data_gradient/{layer.bias}": negated})


@family.fault(Kind.MATHEMATICAL, "z = a W + b")
def bias_subtracted(of: Target) -> Iterator[Plant]:
    """The bias is subtracted in the forward pass, its gradient being that of an added one."""
    for layer in of.biased:
        yield Plant(layer.name, {f"bias/{layer.name}": negated})


@family.fault(Kind.MATHEMATICAL, "W ← W − rate · ∂L/∂W")
def ascends(of: Target) -> Iterator[Plant]:
    """The step goes up the gradient: the change is added, not subtracted."""
    yield Plant("", {f"change/{name}": negated for name in of.network.shapes()})


@family.fault(Kind.MATHEMATICAL, "σ(z) = 1/(1 + exp(−z)), tanh z = (e^z − e^−z)/(e^z + e^−z)")
def argument_negated(of: Target) -> Iterator[Plant]:
    """The activation is taken of −z, its derivative not."""
    for layer in of.hidden:
        if layer.f.name in ("sigmoid", "tanh"):
            yield Plant(
                layer.name,
                {
                    f"activation/{layer.name}": of_negated(layer.f, layer.name),
                    f"delta/{layer.name}": pulled(layer.f, layer.name),
                },
            )


@family.fault(Kind.MATHEMATICAL, "f(z) = α z for z < 0, with α as declared")
def slope_negated(of: Target) -> Iterator[Plant]:
    """The slope of the leaky ReLU for negative arguments has the wrong sign."""
    for layer in of.hidden:
        if layer.f.name != "leaky_relu":
            continue
        other: Activation = replace(layer.f, alpha=-layer.f.alpha)  # type: ignore[attr-defined, type-var]
        yield Plant(
            layer.name,
            {
                f"activation/{layer.name}": computed(other, layer.name),
                f"delta/{layer.name}": pulled(other, layer.name),
            },
        )


def of_negated(f: Activation, layer: str) -> Change:
    """f(−z) for f(z)."""

    def change(value: T, scope: Scope[T]) -> T:
        return scope.ops.activate(f, negated(scope.values[f"z/{layer}"], scope))

    return change
