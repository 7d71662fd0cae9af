"""The softmax: its largest logit and its Jacobian, taken over another axis."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T, arriving, turned
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target
from backproof.mathematics.functions.largest import Largest

family = Family(__name__)

LARGEST = Largest()


@family.fault(Kind.MATHEMATICAL, "δ = a ⊙ (g − Σ_j a_j g_j), the sum over the outputs")
def jacobian_over_samples(of: Target) -> Iterator[Plant]:
    """The sum in the softmax's Jacobian is over the samples, not over the outputs."""
    for layer in of.hidden if of.fused else of.layers:
        if layer.f.name == "softmax":
            yield Plant(layer.name, {f"delta/{layer.name}": summed_over_samples(layer)})


@family.fault(Kind.MATHEMATICAL, "exp(z − max_j z_j) / Σ_j exp(z_j − max_j z_j), by row")
def softmax_column_maximum(of: Target) -> Iterator[Plant]:
    """The softmax takes the largest of each column off, over the samples, not that of each row."""
    if of.ends and of.last.f.name == "softmax" and of.fused and of.network.outputs > 1:
        yield Plant(
            "",
            {
                f"activation/{of.last.name}": lambda a, s: shifted(of.last, s)[1],
                "loss/rows": by_shifted(of.last, 0),
                "loss/slope": by_shifted(of.last, 1),
            },
        )


def summed_over_samples(layer: Place) -> Change:
    """a (g − Σ a g), the sum over the samples."""

    def change(value: T, scope: Scope[T]) -> T:
        ops, a, g = scope.ops, scope.values[f"activation/{layer.name}"], arriving(scope, layer.name)
        total = ops.total(ops.multiply(a, g), axis=0)
        index = np.broadcast_to(np.arange(a.shape[-1])[None, :], a.shape).copy()
        return ops.multiply(a, ops.subtract(g, ops.gather(total, index)))

    return change


def shifted(last: Place, scope: Scope[T]) -> tuple[T, T]:
    """The logits less the largest of each column, and their softmax."""
    ops, z = scope.ops, scope.values[f"z/{last.name}"]
    largest = turned(ops.activate(LARGEST, turned(z, scope)), scope)
    moved = ops.subtract(z, largest)
    return moved, ops.activate(last.f, moved)


def by_shifted(last: Place, part: int) -> Change:
    """The loss (part 0) or its derivative (part 1) of those."""
    return lambda value, s: s.ops.loss_and_slope(
        s.network.loss_function, *shifted(last, s), s.values["targets"]
    )[part]
