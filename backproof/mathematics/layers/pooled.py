"""Windows of pooling as rows, one for each channel, and what rows give back as a sum by position.

Windows at a border may hold fewer positions: those of one length are a group. Where zeros around
the input take part, all windows are of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from backproof.mathematics.layers.windows import NOWHERE, Index, Windows

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.layers.layer import Shape

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Group:
    """Windows with as many positions each: their numbers, and (windows, positions) of the input."""

    windows: Index
    positions: Index

    @property
    def count(self) -> int:
        """How many positions each has."""
        return len(self.positions[0])


@lru_cache(maxsize=64)
def groups_of(windows: Windows, *, zeros: bool) -> tuple[Group, ...]:
    """The windows by how many positions they have; with ``zeros`` around that take part, all."""
    taken = windows.taken()
    if zeros:
        return (Group(np.arange(len(taken)), taken),)
    counts = (taken != NOWHERE).sum(axis=1)
    found = []
    for count in np.unique(counts):
        (which,) = np.nonzero(counts == count)
        held = taken[which]
        found.append(Group(which, held[held != NOWHERE].reshape(len(which), count)))
    return tuple(found)


def rows_of(ops: Ops[T], x: T, group: Group) -> T:
    """(samples · windows · channels, positions) of x (samples, *lengths, channels)."""
    shape: Shape = x.shape  # type: ignore[attr-defined] # every arithmetic has it
    samples, channels, row = shape[0], shape[-1], prod(shape[1:])
    flat = ops.reshaped(x, (samples, row))
    nowhere = group.positions == NOWHERE
    if nowhere.any():
        flat, row = with_zero(ops, flat), row + 1
    at = group.positions[:, None] * channels + np.arange(channels)[:, None]
    at = np.where(nowhere[:, None], row - 1, at)
    index = np.arange(samples)[:, None, None, None] * row + at
    return ops.gather(flat, index.reshape(-1, group.count))


def together(ops: Ops[T], parts: Sequence[T], groups: Sequence[Group], out: Shape) -> T:
    """(samples, *windows, channels) of what each row of the groups gives, (rows,)."""
    samples, channels = out[0], out[-1]
    wide = [
        ops.reshaped(part, (samples, len(group.windows) * channels))
        for part, group in zip(parts, groups, strict=True)
    ]
    joined = wide[0] if len(wide) == 1 else ops.concatenated(wide)
    order = np.argsort(np.concatenate([group.windows for group in groups]))
    return ops.reshaped(by_channel(ops, joined, order, channels), out)


def upstream(ops: Ops[T], cotangent: T, group: Group) -> T:
    """(rows of the group, positions): each row's cotangent at each of its elements."""
    shape: Shape = cotangent.shape  # type: ignore[attr-defined]
    samples, channels, row = shape[0], shape[-1], prod(shape[1:])
    at = group.windows[:, None] * channels + np.arange(channels)
    index = (np.arange(samples)[:, None, None] * row + at).reshape(-1, 1)
    return ops.gather(cotangent, np.broadcast_to(index, (len(index), group.count)))


@dataclass(frozen=True, eq=False)
class Places:
    """Where what goes back to each position stands in the rows of all groups, for one sample.

    (positions, most windows that have one): the place of the first channel, the step from channel
    to channel, and the number of the window, which is `NOWHERE` where there is none.
    """

    first: Index
    step: Index
    window: Index


def places_of(groups: Sequence[Group], positions: int, channels: int) -> Places:
    """For each position of the input, all that the windows give back to it, window by window."""
    found, before = [], 0
    for group in groups:
        many, count = group.positions.shape
        window = np.repeat(group.windows, count)
        within = np.arange(many)[:, None] * channels * count + np.arange(count)
        step = np.full(many * count, count)
        found.append((group.positions.ravel(), window, before + within.ravel(), step))
        before += many * channels * count
    position, window, first, step = (np.concatenate(each) for each in zip(*found, strict=True))
    kept = position != NOWHERE
    order = np.lexsort((window[kept], position[kept]))
    position, window, first, step = (x[kept][order] for x in (position, window, first, step))
    starts = np.searchsorted(position, np.arange(positions))
    rank = np.arange(len(position)) - starts[position]
    places = np.full((3, positions, int(rank.max(initial=0)) + 1), NOWHERE)
    places[:, position, rank] = first, step, window
    return Places(*places)


def given_back(
    ops: Ops[T],
    parts: Sequence[T],
    groups: Sequence[Group],
    shape: Shape,
    further_terms: int = 0,
    among: Places | None = None,
) -> T:
    """What the rows give back to x, of that shape: for each position the sum over its windows."""
    samples, *lengths, channels = shape
    places = among or places_of(groups, prod(lengths), channels)
    wide = [
        ops.reshaped(part, (samples, len(group.windows) * channels * group.count))
        for part, group in zip(parts, groups, strict=True)
    ]
    joined = wide[0] if len(wide) == 1 else ops.concatenated(wide)
    row = sum(len(group.windows) * channels * group.count for group in groups)
    nowhere = places.window == NOWHERE
    if nowhere.any():
        joined, row = with_zero(ops, joined), row + 1
    at = places.first[:, None] + np.arange(channels)[:, None] * places.step[:, None]
    at = np.where(nowhere[:, None], row - 1, at)
    index = np.arange(samples)[:, None, None, None] * row + at
    back = ops.gather(joined, index.reshape(-1, places.window.shape[1]))
    if places.window.shape[1] > 1:
        total = ops.total(back, axis=1, further_terms=further_terms)
        return ops.reshaped(total, shape)
    back = ops.reshaped(back, shape)
    return ops.as_summand(back, further_terms) if further_terms else back


def with_zero(ops: Ops[T], rows: T) -> T:
    """With one more column, of exact zeros; half a precision widens no other."""
    shape: Shape = rows.shape  # type: ignore[attr-defined]
    return ops.concatenated([rows, ops.exact(np.zeros((shape[0], 1), np.float16))])


def by_channel(ops: Ops[T], flat: T, order: Index, channels: int) -> T:
    """(samples, windows, channels) in another order of the windows."""
    shape: Shape = flat.shape  # type: ignore[attr-defined]
    at = order[:, None] * channels + np.arange(channels)
    return ops.gather(flat, np.arange(shape[0])[:, None, None] * shape[1] + at)
