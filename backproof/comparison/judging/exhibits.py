"""Exhibits: the numbers at the worst place of each tensor that does not match."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.bounds.sides import Sides
from backproof.comparison.judging.rows import Grade, Row, Status
from backproof.comparison.record.exhibit import Element, Exhibit
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.mathematics.errors import told

Values = NDArray[Any]

# Of a reference so many tensors are shown, in the order of computation; reports detail no more.
MOST_SHOWN = 8
# Elements side by side, the worst first.
MOST_ELEMENTS = 5
# A picture has at most so many blocks: more are smaller than a finger on a phone.
MOST_ROWS, MOST_COLUMNS = 24, 32
DEFINITION = "the definition"


def exhibits(
    rows: Iterable[Row], record: Record, bounds: Bounds, certainty: Certainty
) -> tuple[Exhibit, ...]:
    """One for each reference and tensor of which numbers do not match."""
    worst: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.status is not Status.MISMATCH or row.bound_used is None or not row.shape:
            continue
        known = worst.get((row.reference, row.name))
        if known is None or row.bound_used > (known.bound_used or 0):
            worst[row.reference, row.name] = row
    shown: dict[str, list[Row]] = {}
    for row in worst.values():
        shown.setdefault(row.reference, []).append(row)
    chosen = [row for mine in shown.values() for row in mine[:MOST_SHOWN]]
    # Bounds at one point after the other: those of large networks are not kept.
    chosen.sort(key=lambda row: (row.point, row.step))
    found = [exhibit(row, record, bounds, certainty) for row in chosen]
    return tuple(each for each in found if each is not None)


def exhibit(row: Row, record: Record, bounds: Bounds, certainty: Certainty) -> Exhibit | None:
    """The numbers of one row; None of what is counted, which its sentence tells in full."""
    try:
        return of_numbers(row, record, bounds, certainty)
    except Exception as error:  # a verdict stands, whatever becomes of its picture
        return Exhibit(row.reference, row.name, row.point, row.step, lost=told(error))


def of_numbers(row: Row, record: Record, bounds: Bounds, certainty: Certainty) -> Exhibit | None:
    """The same, where nothing goes wrong."""
    point, name = Point(row.point, row.step), row.name
    sides = Sides(bounds, row.reference, point)
    pair = sides.proven  # first: it may move the reference's numbers to the subject's subgradient
    if row.grade is Grade.STATISTICAL and sides.statistical is not None:
        pair = sides.statistical
    radius = pair.radius(name)
    if radius is None:
        return None
    actual, expected = record.evaluations[SUBJECT][point][name], sides.twin[name]
    against = row.reference
    defined = pair.mine.values[name]
    if not (row.bound_used or 0) > 1:  # the two agree, and not with the definition
        expected, radius, against = defined, 2 * pair.mine.radii[name], DEFINITION
    truth = certainty.at(point).get(name)
    exact = defined if truth is None else truth.high
    columns = [np.asarray(each, np.float64) for each in (actual, expected, exact, radius)]
    with np.errstate(all="ignore"):
        gaps = np.abs(columns[0] - columns[1])
        shares = np.where(gaps == 0, 0.0, gaps / columns[3])
    shares = np.where(np.isnan(shares), np.inf, shares)
    matrix = shares.reshape(-1, shares.shape[-1]) if shares.ndim else shares.reshape(1, 1)
    return Exhibit(
        reference=row.reference,
        name=name,
        point=row.point,
        step=row.step,
        against=against,
        certified=truth is not None,
        shape=actual.shape,
        rows=matrix.shape[0],
        columns=matrix.shape[1],
        shares=tuple(tuple(line) for line in blocks(matrix).tolist()),
        elements=tuple(elements(columns, gaps, shares)),
    )


def elements(columns: list[Values], gaps: Values, shares: Values) -> Iterable[Element]:
    """The worst elements, side by side; among those where nothing was allowed, the farthest."""
    flat = [np.ravel(each) for each in (*columns, shares)]
    few = min(MOST_ELEMENTS, len(flat[0]))
    least = np.partition(flat[-1], -few)[-few]
    among = np.flatnonzero(flat[-1] >= least)
    order = np.lexsort((-np.ravel(gaps)[among], -flat[-1][among]))
    for place in among[order][:few]:
        index = tuple(int(i) for i in np.unravel_index(place, shares.shape))
        yield Element(index, *(float(column[place]) for column in flat))


def blocks(matrix: Values) -> Values:
    """The largest of each block, of a matrix that is too large to be seen element by element."""
    for axis, most in enumerate((MOST_ROWS, MOST_COLUMNS)):
        starts = edges(matrix.shape[axis], most)[:-1]
        matrix = np.maximum.reduceat(matrix, starts, axis=axis)
    return matrix


def edges(length: int, most: int) -> list[int]:
    """Where blocks of about equal length begin, and where the last one ends."""
    count = min(length, most)
    return [k * length // count for k in range(count + 1)]
