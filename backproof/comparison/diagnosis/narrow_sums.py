"""Sums that are accumulated in a narrower dtype than the subject declares, told from a formula.

The definition is computed with sums that are rounded after each addition, in the orders that code
takes: one term after the other, several accumulators side by side, blocks, a tree. What the subject
gave is reproduced by one of them to the last roundings that it is allowed, at every point where it
is off: no wrong formula is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.bound import distance
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.mathematics.arithmetic.balls.ball import terms_of
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.rounding.model import Rounding, round_to
from backproof.mathematics.definition.evaluate import evaluate

Values = NDArray[np.floating]

# Accumulators, or blocks, that a sum is taken in side by side.
SIDE_BY_SIDE = (4, 8, 16, 32, 64, 128)
# Additions of one sum, one after the other; and numbers that are added at a time.
LONGEST, MOST = 1 << 14, 1 << 24


@dataclass(frozen=True)
class Order:
    """``lanes``: how many accumulators, each of every so many-th term, or of a block of them.

    None for a tree. ``rounded``: whether products are rounded before they are added.
    """

    lanes: int | None
    blocks: bool = False
    rounded: bool = False

    @property
    def told(self) -> str:
        """For a reader."""
        if self.lanes is None:
            return "pairwise"
        if self.lanes == 1:
            return "one term after the other"
        return f"in {self.lanes} {'blocks' if self.blocks else 'accumulators'}"


def orders() -> Iterator[Order]:
    """The most usual first."""
    for rounded in (False, True):
        yield Order(1, rounded=rounded)
        yield Order(None, rounded=rounded)
        for lanes in SIDE_BY_SIDE:
            yield Order(lanes, rounded=rounded)
            yield Order(lanes, blocks=True, rounded=rounded)


class NarrowSums(Float):
    """The definition in NumPy with sums that are rounded to a dtype after each addition."""

    def __init__(self, dtype: str, order: Order) -> None:
        self.dtype, self.order = dtype, order

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        terms = a.shape[-1]
        if terms > LONGEST or prod((*a.shape, b.shape[-1])) > MOST:
            return super().matmul(a, b)
        products = np.moveaxis(a, -1, 0)[..., None] * np.moveaxis(b, -2, 0)[..., None, :]
        return self._sum(self._rounded(products) if self.order.rounded else products)

    def affine(self, a: Values, kernel: Values, bias: Values | None) -> Values:
        z = self.matmul(a, kernel)
        return z if bias is None else z + bias

    def total(self, a: Values, axis: Axis = None, further_terms: int = 0) -> Values:
        axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        first = [each % a.ndim for each in axes]
        kept = [each for each in range(a.ndim) if each not in first]
        if terms_of(a.shape, axis) > LONGEST:
            return super().total(a, axis)
        terms = a.transpose(*first, *kept).reshape(-1, *(a.shape[each] for each in kept))
        return self._sum(terms)

    def scatter(self, a: Values, index: NDArray[np.intp], shape: tuple[int, ...]) -> Values:
        """One element after the other: each place's first, then each place's second, and so on."""
        found, places = np.zeros(prod(shape), a.dtype), index.ravel()
        by_place = np.argsort(places, kind="stable")
        first = np.searchsorted(places[by_place], places[by_place])
        turn = np.arange(len(places)) - first
        values = a.ravel()[by_place]
        for each in range(int(turn.max(initial=-1)) + 1):
            now = turn == each
            at = places[by_place[now]]
            found[at] = self._rounded(found[at] + values[now])
        return found.reshape(shape)

    def _rounded(self, a: Values) -> Values:
        return round_to(a, self.dtype).astype(a.dtype)

    def _sum(self, terms: Values) -> Values:
        """The sum over the first axis; a step for each addition of one accumulator."""
        lanes = self.order.lanes or 2 ** (len(terms) - 1).bit_length()
        short = -len(terms) % lanes
        padded = np.concatenate([terms, np.zeros((short, *terms.shape[1:]), terms.dtype)])
        if self.order.blocks:
            steps = np.moveaxis(padded.reshape(lanes, -1, *terms.shape[1:]), 1, 0)
        else:
            steps = padded.reshape(-1, lanes, *terms.shape[1:])
        sums = self._rounded(steps[0])
        for step in steps[1:]:
            sums = self._rounded(sums + step)
        while len(sums) > 1:
            half = len(sums) // 2
            sums = self._rounded(sums[:half] + sums[half:])
        return np.asarray(sums[0])


def accumulated(record: Record, bounds: Bounds, off: Mapping[str, list[Point]]) -> dict[str, str]:
    """By name, of what is off at these points: why, where sums in a narrower dtype explain it."""
    precision = record.precision
    if precision is None:
        return {}
    declared, found = precision.inside, {}
    for dtype in narrower_than(declared, precision.storage):
        left = {name: points for name, points in off.items() if name not in found}
        for name, order in reproduced(record, bounds, left, dtype):
            found[name] = (
                f"the sums of {name} are accumulated in {dtype}, {order.told}, and not in "
                f"{declared}, as is declared: the formula is right, and long sums lose their terms"
            )
    return found


def narrower_than(declared: str, storage: str) -> list[str]:
    """The dtypes that a sum may be held in beside the one that is declared."""
    unit = Rounding.of(declared).unit
    return [
        dtype
        for dtype in dict.fromkeys((storage, "float32", "float16", "bfloat16"))
        if Rounding.of(dtype).unit > unit
    ]


def reproduced(
    record: Record, bounds: Bounds, off: Mapping[str, list[Point]], dtype: str
) -> Iterator[tuple[str, Order]]:
    """What an order of additions in that dtype reproduces wherever it is off, with the order."""
    left = dict(off)
    for order in orders():
        if not left:
            return
        ops, known = NarrowSums(dtype, order), dict[Point, dict[str, Any]]()
        for name, points in list(left.items()):
            if all(fits(record, bounds, ops, known, name, point) for point in points):
                yield name, order
                del left[name]


def fits(
    record: Record,
    bounds: Bounds,
    ops: NarrowSums,
    known: dict[Point, dict[str, Any]],
    name: str,
    point: Point,
) -> bool:
    """Whether what the subject gave is what such sums give, within its bound."""
    if point not in known:
        with np.errstate(all="ignore"):
            state, batch = record.parameters[point], record.batch(point)
            known[point] = evaluate(ops, record.network, state, batch)
    bound = bounds.at(SUBJECT, point)
    if name not in bound.values or name not in known[point]:
        return False
    given = record.evaluations[SUBJECT][point][name]
    gap = np.abs(given.astype(np.float64) - known[point][name])
    return bool((gap <= 2 * bound.radii[name]).all())


def off_by(record: Record, bounds: Bounds) -> dict[str, list[Point]]:
    """Where the subject is outside of its bound, by name."""
    found: dict[str, list[Point]] = {}
    for point, given in record.evaluations.get(SUBJECT, {}).items():
        bound = bounds.at(SUBJECT, point)
        for name in record.names(point):
            value = given.get(name)
            if value is None or name not in bound.values:
                continue
            if value.shape == bound.values[name].shape and distance(name, value, bound) > 0:
                found.setdefault(name, []).append(point)
    return found
