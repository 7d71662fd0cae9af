"""The wrong kernel: not transposed, reshaped, another layer's, or one that has been updated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T, reshaped, samples, turned
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target
from backproof.mathematics.optimizers import STEP_COUNT

family = Family(__name__)

BACK = "δ_k = (δ_{k+1} W_{k+1}ᵀ) ⊙ f_k′(z_k)"


def oblong(layer: Place) -> bool:
    """Whether reshaping the kernel is neither transposing it nor doing nothing."""
    return min(layer.fan_in, layer.fan_out) > 1 and not layer.square


@family.fault(Kind.MATHEMATICAL, BACK)
def not_transposed_backwards(of: Target) -> Iterator[Plant]:
    """The delta goes back through the square kernel, not through its transpose."""
    for layer in of.hidden:
        above = of.above(layer)
        if above.square:
            yield Plant(above.name, {f"back/{layer.name}": through(above, lambda w, _: w)})


@family.fault(Kind.MATHEMATICAL, BACK)
def reshaped_backwards(of: Target) -> Iterator[Plant]:
    """The delta goes back through the kernel reshaped, not transposed."""
    for layer in of.hidden:
        above = of.above(layer)
        if oblong(above):
            yield Plant(above.name, {f"back/{layer.name}": through(above, reshaped)})


@family.fault(Kind.MATHEMATICAL, "z = a W + b with W of shape (fan_in, fan_out)")
def transposed_forwards(of: Target) -> Iterator[Plant]:
    """The square kernel is transposed in the forward pass."""
    for layer in of.layers:
        if layer.square and layer.fan_in > 1:
            yield Plant(layer.name, {f"kernel/{layer.name}": turned})


@family.fault(Kind.MATHEMATICAL, "W transposed, where it is kept as (fan_out, fan_in)")
def reshaped_forwards(of: Target) -> Iterator[Plant]:
    """The kernel is reshaped, where it should be transposed."""
    for layer in of.layers:
        if oblong(layer):
            yield Plant(
                layer.name, {f"kernel/{layer.name}": lambda w, s: reshaped(turned(w, s), s)}
            )


@family.fault(Kind.MATHEMATICAL, "∂L/∂W = aᵀ δ, not δᵀ a")
def gradient_transposed(of: Target) -> Iterator[Plant]:
    """The gradient of the square kernel is transposed."""
    for layer in of.layers:
        if layer.square and layer.fan_in > 1:
            yield Plant(layer.name, {f"data_gradient/{layer.kernel}": turned})


@family.fault(Kind.MATHEMATICAL, "∂L/∂W = aᵀ δ; δᵀ a is to be transposed")
def gradient_reshaped(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel is reshaped, where it should be transposed."""
    for layer in of.layers:
        if oblong(layer):
            yield Plant(
                layer.name,
                {f"data_gradient/{layer.kernel}": lambda g, s: reshaped(turned(g, s), s)},
            )


@family.fault(Kind.MATHEMATICAL, BACK)
def of_another_layer(of: Target) -> Iterator[Plant]:
    """The delta goes back through the kernel of another layer."""
    for layer in of.hidden:
        above = of.above(layer)
        for other in of.layers:
            same = (other.fan_in, other.fan_out)
            if other is not above and same == (above.fan_in, above.fan_out):
                yield Plant(
                    f"{above.name}, through {other.name}",
                    {f"back/{layer.name}": through(above, turned, other)},
                )


@family.fault(Kind.MATHEMATICAL, f"{BACK} with the kernels of the forward pass")
def already_updated(of: Target) -> Iterator[Plant]:
    """The delta goes back through kernels that the step has already changed."""
    if of.hidden:
        yield Plant("", {f"back/{x.name}": through_updated(of, of.above(x)) for x in of.hidden})


@family.fault(Kind.MATHEMATICAL, BACK)
def summed_before_product(of: Target) -> Iterator[Plant]:
    """The delta and the kernel are each summed over the units before they are multiplied."""
    for layer in of.hidden:
        above = of.above(layer)
        if above.fan_out > 1:
            yield Plant(above.name, {f"back/{layer.name}": through(above, all_alike)})


def through(above: Place, change: Change, other: Place | None = None) -> Change:
    """What comes back from a layer when a changed kernel stands for its transpose."""
    site = f"kernel/{(other or above).name}"
    return lambda value, s: s.ops.matmul(s.values[f"delta/{above.name}"], change(s.values[site], s))


def through_updated(of: Target, above: Place) -> Change:
    """What comes back from a layer whose kernel has made its step."""
    optimizer, penalty = of.optimizer, of.network.penalty_on(above.kernel)

    def change(value: T, scope: Scope[T]) -> T:
        ops, kernel = scope.ops, scope.values[f"kernel/{above.name}"]
        n = penalty.divisor(samples(scope))
        gradient = scope.values[f"data_gradient/{above.kernel}"]
        if penalty.l2:
            gradient = ops.add(gradient, ops.scale(kernel, 2 * penalty.l2, n, roundings=2))
        if penalty.l1:
            gradient = ops.add(gradient, ops.scale(ops.sign(kernel), penalty.l1, n, roundings=2))
        state = scope.parameters
        slots = {slot: ops.exact(state[f"{slot}/{above.kernel}"]) for slot in optimizer.SLOTS}
        count = int(state[STEP_COUNT]) if optimizer.COUNTS else 0
        step, _ = optimizer.change(ops, kernel, gradient, slots, count)
        delta = scope.values[f"delta/{above.name}"]
        return ops.matmul(delta, ops.transpose(ops.subtract(kernel, step)))

    return change


def all_alike(kernel: T, scope: Scope[T]) -> T:
    """The kernel's row sums as every row of its transpose."""
    fan_out = kernel.shape[1]
    ones = scope.ops.exact(np.ones((fan_out, fan_out)))
    return turned(scope.ops.matmul(kernel, ones), scope)
