"""Readings of parameters that are kept within bounds after their step: clipped, or shortened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.reading_clips import by_element
from backproof.comparison.diagnosis.step_terms import from_slots
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import centre
from backproof.mathematics.faults.fault import Change

T = Any
Values = NDArray[np.float64]
NEAR = 1e-6


def read_bounds(target: Target, name: str, views: Sequence[View]) -> Iterator[Reading]:
    """New parameters that never leave [-c, c], or with weights of a length of c at most."""
    yield from read_floors(target, name, views)
    parameter = name.removeprefix("updated/")
    if not name.startswith("updated/") or parameter not in target.network.parameters:
        return
    pairs = [
        (shown, np.asarray(view.results[name], np.float64))
        for view in views
        if (shown := view.shown(name)) is not None
    ]
    pairs = [(shown, right) for shown, right in pairs if np.isfinite(right).all()]
    every, own = list(target.network.parameters), parameter.rpartition("/")[2]
    alike = [each for each in every if each.rpartition("/")[2] == own]
    ways = [(every, "every parameter"), (alike, f"every {own}"), ([parameter], parameter)]
    for told, change in found(pairs):
        for cost, (names, whose) in enumerate(ways):
            changes = {f"updated/{each}": change for each in names}
            sentence = f"after the step, {whose} is {told}"
            yield reading(f"{told} {whose}", "", sentence, "W", changes, 1.2 + cost / 100)


def read_floors(target: Target, name: str, views: Sequence[View]) -> Iterator[Reading]:
    """A new mean of squares that is never below a number."""
    slot = name.removeprefix("updated/").partition("/")[0]
    if slot not in target.optimizer.SQUARES:
        return
    pairs = [
        (shown, np.asarray(view.results[name], np.float64))
        for view in views
        if (shown := view.shown(name)) is not None
    ]
    raised = [shown[shown > right * (1 + NEAR)] for shown, right in pairs]
    least = np.concatenate([np.ravel(each) for each in raised] or [np.zeros(0)])
    if not least.size or (floor := float(f"{least[0]:.9g}")) <= 0:
        return
    if not all((np.abs(s - np.maximum(r, floor)) <= NEAR * s).all() for s, r in pairs):
        return

    def raise_(value: T, scope: Any) -> T:
        low = np.asarray(centre(value) < floor, np.float64)
        ops = scope.ops
        kept = ops.multiply(value, ops.exact(1 - low))
        return ops.add(kept, ops.multiply(ops.constant(floor, value, 1), ops.exact(low)))

    names = target.network.parameters
    alone = {f"updated/{slot}/{each}": raise_ for each in names}
    follows = {f"change/{each}": from_slots(target, each) for each in names}
    told = f"the new {slot.replace('_', ' ')} is max(v, {floor:g})"
    yield reading(told, "", told, "v", alone | follows, 1.1)
    yield reading(f"{told} alone", "", told, "v", alone, 1.11)


def found(pairs: Sequence[tuple[Values, Values]]) -> Iterator[tuple[str, Change]]:
    """The bounds that give every tensor."""
    if (limit := clip_of(pairs)) is not None:
        yield f"clip(W, -{limit:g}, {limit:g})", within(limit)
    for axis, what in ((0, "of each unit"), (1, "of each row"), (None, "of the array")):
        shaped = [(s, r) for s, r in pairs if s.ndim == 2 or axis is None]
        length = length_of(shaped, axis) if len(shaped) == len(pairs) else None
        if length is not None:
            yield f"W * min(1, {length:g} / norm(W)), {what}", shortened(length, axis)


def clip_of(pairs: Sequence[tuple[Values, Values]]) -> float | None:
    """c, where every array is the right one, clipped; None where it is no such thing."""
    tops = [float(np.abs(shown).max(initial=0.0)) for shown, _ in pairs]
    limit = float(f"{max(tops, default=0.0):.9g}")
    if not limit or not any((np.abs(right) > limit * (1 + NEAR)).any() for _, right in pairs):
        return None
    near = all((np.abs(s - np.clip(r, -limit, limit)) <= NEAR * limit).all() for s, r in pairs)
    return limit if near else None


def length_of(pairs: Sequence[tuple[Values, Values]], axis: int | None) -> float | None:
    """The most length of any column, row or array, where that is what all were shortened to."""
    norms = [np.linalg.norm(shown, axis=axis) for shown, _ in pairs]
    most = max((float(np.max(each, initial=0.0)) for each in norms), default=0.0)
    limit = float(f"{most:.9g}")
    hit = False
    for shown, right in pairs:
        length = np.asarray(np.linalg.norm(right, axis=axis, keepdims=True))
        hit |= bool((length > limit * (1 + NEAR)).any())
        with np.errstate(divide="ignore"):
            wanted = right * np.minimum(1.0, limit / length)
        if not (np.abs(shown - wanted) <= NEAR * limit).all():
            return None
    return limit if hit else None


def within(limit: float) -> Change:
    """Clipped, element by element."""
    clip = by_element(limit)
    return lambda value, scope: clip(scope.ops, value)


def shortened(limit: float, axis: int | None) -> Change:
    """Columns, rows or the array with a length of at most the limit."""

    def change(value: T, scope: Any) -> T:
        ops, shape = scope.ops, value.shape
        if axis is not None and len(shape) != 2:
            return value  # a bias has no rows
        squares = ops.total(ops.multiply(value, value), axis=axis)
        size = ops.sqrt(ops.reshaped(squares, (1,)) if axis is None else squares)
        places = np.zeros(shape, np.intp)
        if axis is not None:
            along = np.arange(shape[1 - axis])
            places = np.broadcast_to(along[None, :] if axis == 0 else along[:, None], shape)
        norm = ops.gather(size, places)
        long = np.asarray(centre(norm) > limit, np.float64)
        cut = ops.charged(ops.divide(ops.scale(value, limit), norm), 4)
        kept = ops.multiply(value, ops.exact(1 - long))
        return ops.add(kept, ops.multiply(cut, ops.exact(long)))

    return change
