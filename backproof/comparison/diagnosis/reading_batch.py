"""Readings of the gradient of a loss: of other targets, of some samples alone, by other weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.factors import FACTORS, Factor, scaled
from backproof.comparison.diagnosis.loss_batches import Taken, takings
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.reading_delta import Numbers
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import reduced_as, samples
from backproof.mathematics.faults.fault import Change

T = Any
Values = NDArray[np.float64]

# No rate has a place in a gradient: a number that happens to equal it is told as a number.
RATE = float("nan")


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
        known = [known_at(target.network, each.view.samples, RATE) for each in numbers]
        found: list[tuple[Taken, Factor]] = []
        for taken in among:
            factor = times(target, taken, numbers, known)
            if factor is not None:
                found.append((taken, factor))
        plain = [taken for taken, factor in found if factor.text == "1"]
        yield from (of_batch(target, taken, 1.1, gradient=True) for taken in plain)
        if plain:
            return
        yield from (multiple(target, *each) for each in found if not each[1].found)
        if found:
            return


def times(
    target: Target, taken: Taken, numbers: Sequence[Numbers], known: Sequence[Mapping[str, float]]
) -> Factor | None:
    """By which factor the last layer's delta of such a batch gives what was computed."""
    ratios: list[float] = []
    every = []
    for each in numbers:
        made = made_of(target, taken, each)
        size = float(made @ made)
        if not np.isfinite(size):
            return None
        ratios.append(float(made @ each.computed) / size if size else 1.0)
        # Some factor would have to fit each of the numbers.
        if (np.abs(ratios[-1] * made - each.computed) > 2 * each.allowed).any():
            return None
        every.append(made)
    for factor in FACTORS:
        by = [factor.of(each) for each in known]
        if all(
            (np.abs(k * made - each.computed) <= each.allowed).all()
            for k, made, each in zip(by, every, numbers, strict=True)
        ):
            return factor
    return None


def made_of(target: Target, taken: Taken, numbers: Numbers) -> Values:
    """The numbers that the last layer's delta of such a batch gives."""
    scope, name = numbers.view.scope, target.last.name
    (change,) = taken.of_gradient(target).values()
    with np.errstate(all="ignore"):
        slope = change(scope.values["loss/slope"], scope)
        delta = reduced_as(scope, slope)
        if not target.fused:
            z, a = scope.values[f"z/{name}"], scope.values[f"activation/{name}"]
            delta = scope.ops.vjp(target.last.f, z, a, delta)
        found = numbers.of(np.asarray(delta, np.float64)[None, :, numbers.units])
    return np.asarray(found[0])


def multiple(target: Target, taken: Taken, factor: Factor) -> Reading:
    """The gradient of the batch as it is taken, and a factor too many."""
    changes = taken.of_gradient(target)
    (own,) = changes.values()

    def change(value: T, scope: Scope[T]) -> T:
        known = known_at(target.network, samples(scope), RATE)
        return scaled(scope.ops, own(value, scope), factor.of(known))

    told = f"the gradient is {factor.text} times what it should be, and taken {taken.text}"
    right = "that of every sample, with its own y and weight"
    return reading(told, "", told, right, {"loss/slope": change}, 1.4)


def of_batch(target: Target, taken: Taken, cost: float, *, gradient: bool = False) -> Reading:
    """The loss and its gradient, or the gradient alone, of the batch as it is taken."""
    what = "the gradient is" if gradient else "the loss and its gradient are"
    changes: dict[str, Change] = taken.of_gradient(target) if gradient else taken.of_both(target)
    should = "that" if gradient else "those"
    right = f"{should} of every sample, with its own y and weight"
    return reading(f"{what} {taken.text}", "", f"{what} taken {taken.text}", right, changes, cost)
