"""What does not learn: gradients that stop, parameters that a step leaves as they are."""

from __future__ import annotations

from collections.abc import Iterator

from backproof.mathematics.faults.changes import zero
from backproof.mathematics.faults.fault import Family, Kind, Plant, Target

family = Family(__name__)

STEP = "W ← W − rate · ∂L/∂W, for every parameter"


@family.fault(Kind.MATHEMATICAL, "∂L/∂W = aᵀ δ")
def kernel_gradient(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel is zero."""
    for layer in of.layers:
        yield Plant(layer.name, {f"gradient/{layer.kernel}": zero})


@family.fault(Kind.MATHEMATICAL, "δ_k = (δ_{k+1} W_{k+1}ᵀ) ⊙ f_k′(z_k)")
def below(of: Target) -> Iterator[Plant]:
    """The gradient stops above this layer: nothing reaches it."""
    for layer in of.hidden:
        yield Plant(layer.name, {f"delta/{layer.name}": zero})


@family.fault(Kind.MATHEMATICAL, STEP)
def layer(of: Target) -> Iterator[Plant]:
    """The step leaves the layer as it is."""
    for each in of.layers:
        if each.bias:
            yield Plant(each.name, {f"change/{each.kernel}": zero, f"change/{each.bias}": zero})


@family.fault(Kind.MATHEMATICAL, STEP)
def kernel(of: Target) -> Iterator[Plant]:
    """The step leaves the kernel as it is."""
    for each in of.layers:
        yield Plant(each.name, {f"change/{each.kernel}": zero})


@family.fault(Kind.MATHEMATICAL, STEP)
def bias(of: Target) -> Iterator[Plant]:
    """The step leaves the bias as it is."""
    for each in of.biased:
        yield Plant(each.name, {f"change/{each.bias}": zero})


@family.fault(Kind.MATHEMATICAL, STEP)
def all_biases(of: Target) -> Iterator[Plant]:
    """The step leaves every bias as it is."""
    if len(of.biased) > 1:
        yield Plant("", {f"change/{each.bias}": zero for each in of.biased})


@family.fault(Kind.MATHEMATICAL, STEP)
def everything(of: Target) -> Iterator[Plant]:
    """The step changes nothing."""
    yield Plant("", {f"change/{name}": zero for name in of.network.shapes()})
