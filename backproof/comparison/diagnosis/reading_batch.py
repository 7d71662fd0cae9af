"""Readings of the gradient of a loss: of other targets, of some samples alone, by other weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.loss_batches import Taken, takings
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.reading_delta import Numbers
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import reduced_as
from backproof.mathematics.faults.fault import Change

Values = NDArray[np.float64]


def read_batch(target: Target, views: Sequence[View]) -> Iterator[Reading]:
    """The gradient of the declared loss, but of another batch than the loss is taken of."""
    if not target.ends:
        return
    weighted = any(v.scope.batch is not None and v.scope.batch.weights is not None for v in views)
    among = list(takings(target, weighted=weighted))
    for kinds in (("bias", "kernel"), ("bias",), ("kernel",)):
        numbers = [Numbers(view, target.last, kinds) for view in views]
        if not all(each.computed.size for each in numbers):
            continue
        left = among
        for each in numbers:
            left = [taken for taken in left if gives(target, taken, each)]
        yield from (of_batch(target, taken, 1.1, gradient=True) for taken in left)
        if left:
            return


def gives(target: Target, taken: Taken, numbers: Numbers) -> bool:
    """Whether the last layer's delta of such a batch gives what was computed."""
    scope, name = numbers.view.scope, target.last.name
    (change,) = taken.of_gradient(target).values()
    with np.errstate(all="ignore"):
        slope = change(scope.values["loss/slope"], scope)
        delta = reduced_as(scope, slope)
        if not target.fused:
            z, a = scope.values[f"z/{name}"], scope.values[f"activation/{name}"]
            delta = scope.ops.vjp(target.last.f, z, a, delta)
        made = numbers.of(np.asarray(delta, np.float64)[None, :, numbers.units])[0]
    return bool((np.abs(made - numbers.computed) <= numbers.allowed).all())


def of_batch(target: Target, taken: Taken, cost: float, *, gradient: bool = False) -> Reading:
    """The loss and its gradient, or the gradient alone, of the batch as it is taken."""
    what = "the gradient is" if gradient else "the loss and its gradient are"
    changes: dict[str, Change] = taken.of_gradient(target) if gradient else taken.of_both(target)
    should = "that" if gradient else "those"
    right = f"{should} of every sample, with its own y and weight"
    return reading(f"{what} {taken.text}", "", f"{what} taken {taken.text}", right, changes, cost)
