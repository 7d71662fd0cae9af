"""Scanning for a threshold: beyond which value of something a number was used instead.

What code shows of a delta are sums over its elements. With the elements in the order of a quantity,
say of z, the sums over all beyond a threshold are cumulative sums, one for each threshold between
two elements; one that leaves nothing of the deviation is the one that code has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import comb, floor, inf, isfinite, log10

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Terms:
    """The elements at one point, each with what it adds to the numbers that are shown.

    ``quantity`` (elements,). ``right`` (elements, numbers): what it adds as it should be; ``bare``:
    the same by a factor of 1 in the place of the slope. ``off`` (numbers,): how much too small what
    was computed is; ``allowed``: by how much a number may be off.
    """

    quantity: Values
    right: Values
    bare: Values
    off: Values
    allowed: Values


@dataclass(frozen=True)
class Cut:
    """Beyond a threshold between two numbers (above it, or below), another number was used.

    ``factor``: of the element as it should be, or, if ``instead``, of it without its slope.
    """

    above: bool
    low: float
    high: float
    factor: float
    instead: bool
    ways: int = 0
    """In how many ways as many of the elements could have been chosen: how telling it is."""


def cuts(points: Sequence[Terms]) -> Iterator[Cut]:
    """The thresholds that explain what is off at all points; the first one must be off."""
    for above in (True, False):
        for instead in (False, True):
            for first in candidates(points[0], above=above, instead=instead):
                found: Cut | None = first
                for point in points[1:]:
                    found = None if found is None else narrowed(found, point)
                if found is not None and isfinite(found.low) and isfinite(found.high):
                    yield replace(found, ways=ways(found, points))


def ways(cut: Cut, points: Sequence[Terms]) -> int:
    """In how many ways as many elements could have been chosen, of those that it matters for."""
    chosen = among = 0
    middle = (cut.low + cut.high) / 2
    for point in points:
        used = point.bare if cut.instead else point.right
        differs = (np.abs(point.right - cut.factor * used) > point.allowed).any(axis=1)
        beyond = point.quantity > middle if cut.above else point.quantity < middle
        chosen += int((differs & beyond).sum())
        among += int(differs.sum())
    return comb(among, chosen)


def sums(point: Terms, *, above: bool) -> tuple[Values, Values, Values]:
    """The quantity in order, and the sums of all elements beyond each place of it."""
    order = np.argsort(-point.quantity if above else point.quantity, kind="stable")
    zero = np.zeros((1, point.right.shape[1]))
    right, bare = (
        np.concatenate([zero, np.cumsum(each[order], axis=0)]) for each in (point.right, point.bare)
    )
    return point.quantity[order], right, bare


def candidates(point: Terms, *, above: bool, instead: bool) -> list[Cut]:
    """The thresholds that explain one point, each with the number that was used."""
    order, right, bare = sums(point, above=above)
    used = bare if instead else right
    # off = right - factor * used
    with np.errstate(all="ignore"):
        size = np.einsum("ij,ij->i", used, used)
        factor = np.einsum("ij,ij->i", right - point.off, used) / size
        left = np.abs(right - point.off - factor[:, None] * used)
        fits = (left <= point.allowed).all(axis=1) & np.isfinite(factor) & (size > 0)
        none = (np.abs(right - point.off) <= point.allowed).all(axis=1) & (size > 0)
    if instead:  # 0 is the same in either way
        fits &= ~none
    else:
        factor[none] = 0.0
        fits |= none
    found = []
    for place in np.flatnonzero(fits[1:]) + 1:
        value = nice(float(factor[place]))
        if value != 1 or instead:
            found += merged(order, [int(place)], above=above, factor=value, instead=instead)
    return joined(found)


def narrowed(cut: Cut, point: Terms) -> Cut | None:
    """The cut at another point: between which numbers the threshold may lie there too."""
    order, right, bare = sums(point, above=cut.above)
    used = bare if cut.instead else right
    left = np.abs(right - point.off - cut.factor * used)
    fits = np.flatnonzero((left <= point.allowed).all(axis=1))
    options = {"above": cut.above, "factor": cut.factor, "instead": cut.instead}
    for each in joined(merged(order, [int(place) for place in fits], **options)):  # type: ignore[arg-type]
        low, high = max(cut.low, each.low), min(cut.high, each.high)
        if low < high:
            return Cut(cut.above, low, high, cut.factor, cut.instead)
    return None


def merged(
    order: Values, places: Sequence[int], *, above: bool, factor: float, instead: bool
) -> list[Cut]:
    """So many elements lie beyond: the threshold lies between the last of them and the next."""
    found = []
    for place in places:
        last = order[place - 1] if place else (inf if above else -inf)
        after = order[place] if place < len(order) else (-inf if above else inf)
        if last != after:
            low, high = (after, last) if above else (last, after)
            found.append(Cut(above, float(low), float(high), factor, instead))
    return found


def joined(found: Sequence[Cut]) -> list[Cut]:
    """Intervals that touch, as one."""
    several: list[Cut] = []
    for cut in sorted(found, key=lambda each: (each.factor, each.low)):
        before = several[-1] if several else None
        if before is not None and before.factor == cut.factor and cut.low <= before.high:
            several[-1] = Cut(cut.above, before.low, cut.high, cut.factor, cut.instead)
        else:
            several.append(cut)
    return several


def nice(value: float) -> float:
    """A number as it may stand in code, if it is near one."""
    rounded = float(f"{value:.4g}")
    near = abs(rounded - value) <= 1e-7 * max(abs(value), 1e-3)
    return (0.0 if abs(value) < 1e-9 else rounded) if near or abs(value) < 1e-9 else value


def round_numbers(low: float, high: float) -> list[float]:
    """Numbers between two, those of the fewest digits first; 0 before all."""
    if low <= 0 <= high:
        return [0.0]
    if low < 0:
        return [-each for each in round_numbers(-high, -low)]
    for digits in range(4):
        scale = 10.0 ** (floor(log10(high)) - digits)
        first, last = int(np.ceil(low / scale - 1e-9)), int(np.floor(high / scale + 1e-9))
        if first <= last:
            several = [float(f"{n * scale:.6g}") for n in range(first, last + 1)][:9]
            # 1 and 5 are likelier than 7, and 4.5 than 4.4.
            return sorted(several, key=lambda x: (f"{x:.6g}".strip("0.")[-1:] not in "15", x))
    return [float(f"{(low + high) / 2:.6g}")]
