"""Judging: the rows of one reference at one point, by shapes and names first, then by numbers."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.bound import WEAKEST_POWER, Bound, distance, enough
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty, digits
from backproof.comparison.bounds.sides import SharedWay, Sides
from backproof.comparison.bounds.weakness import Weakness
from backproof.comparison.judging.rows import SHARED_WAY, WAY, Grade, Row, Status
from backproof.comparison.kernel.kernel import Difference, difference
from backproof.comparison.record import DEFINITION
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.implementations.protocol import Tensors
from backproof.mathematics.arithmetic.rounding.model import held_in
from backproof.mathematics.network.quantities import split

Array = NDArray[Any]

# Begins the cause of a row that is too weak, until no other way decides it: to find where it became
# so takes as long as to judge it.
WEAK = "too weak: "


def compare_point(
    record: Record, bounds: Bounds, certainty: Certainty, reference: str, point: Point
) -> list[Row]:
    """The rows of one reference at one point."""
    rows = [blank(record, reference, point, name) for name in record.names(point)]
    failed = [
        f"{who}: {record.errors[who][point]}"
        for who in (SUBJECT, reference)
        if point in record.errors.get(who, {})
    ]
    if failed:
        for row in rows:
            row.cause = "; ".join(failed)
        return rows
    subject = record.evaluations[SUBJECT].get(point, {})
    twin = record.evaluations[reference].get(point, {})
    sides = partial(Sides, bounds, reference, point)
    truths = certainty.at(point)
    judging = partial(
        judge,
        subject=subject,
        samples=int(np.count_nonzero(record.network.valid(record.batch(point).targets))),
    )
    every_way = sides()
    for row in rows:
        judging(row, sides=every_way)
    # Of large tensors, what is decided is left at that: each way takes as long as all the rest.
    several_ways = every_way.several_ways and not every_way.proven.mine.large
    weak = [is_weak(row, several_ways=several_ways) for row in rows]
    if any(weak):
        one_way = partial(judging, sides=sides(same_branches=True))
        rows = [
            retried_on_same_branches(row, one_way) if again else row
            for row, again in zip(rows, weak, strict=True)
        ]
        weak = [is_weak(row, several_ways=several_ways) for row in rows]
    if any(weak) and (shared := SharedWay(bounds, reference, point)).pair is not None:
        their_way = partial(judging, sides=shared)
        rows = [
            retried_on_same_branches(row, their_way, SHARED_WAY) if again else row
            for row, again in zip(rows, weak, strict=True)
        ]
    weakness = Weakness(bounds, reference, point)
    for row in rows:
        if row.status is Status.UNDECIDED and row.cause.startswith(WEAK):
            lost = row.cause.removeprefix(WEAK)
            row.cause = weakness.cause(row)
            row.cause += f"; as random rounding errors have it: {lost}" * bool(lost)
        if bounds.granted is not None and row.status is Status.MATCH:
            row.detail = bounds.granted.told
        if row.name in truths and row.shape:
            row.subject_digits = digits(subject[row.name], truths[row.name], record.dtype)
            row.reference_digits = digits(twin[row.name], truths[row.name], record.dtype)
    return rows


def blank(record: Record, reference: str, point: Point, name: str) -> Row:
    """The row of a comparison that was not made yet: an ERROR."""
    quantity, tensor = split(name)
    return Row(
        pairing=record.pairing,
        subject=record.subject,
        reference=reference,
        quantity=quantity,
        tensor=tensor,
        point=point.name,
        step=point.step,
        dtype=record.dtype,
    )


def retried_on_same_branches(row: Row, judging: Callable[[Row], None], way: str = WAY) -> Row:
    """A weak row again, by the bounds of code that goes one way: the definition's, or theirs.

    Correct code may go another way, so that to exceed these is no mismatch: the row stays as it
    was. What keeps them matches, and as strongly as they are narrow.
    """
    again = replace(row, cause="", detail=way)
    judging(again)
    if again.status is not Status.MATCH:
        return row
    stronger = again.power is None or row.power is None or again.power < row.power
    return again if row.status is Status.UNDECIDED or stronger else row


def is_weak(row: Row, *, several_ways: bool) -> bool:
    """Whether nothing was decided; or little, where units may take either side of a kink."""
    if row.status is not Status.MATCH:
        return row.status is Status.UNDECIDED
    return (
        several_ways
        and row.power is not None
        and not row.power <= enough(row.dtype, row.point, row.step)
    )


def judge(
    row: Row,
    subject: Tensors,
    sides: Sides,
    samples: int,
) -> None:
    """Fill one row: shapes, dtypes and names first, then numbers.

    By the worst case where that says enough, and where it says that something is wrong; else by
    random rounding errors, where these say more.
    """
    name = row.name
    pair, twin = sides.proven, sides.twin
    radius = pair.radius(name)
    wrong = [
        f"{who}: {text}"
        for who, tensors in (("subject", subject), (row.reference, twin))
        if (text := unusable(name, tensors, radius, row.dtype))
    ]
    if wrong:
        nobody = name not in subject and name not in twin
        row.cause = f"nobody computed it: {'; '.join(wrong)}" if nobody else "; ".join(wrong)
        return
    actual, expected = subject[name], twin[name]
    row.shape = "×".join(map(str, actual.shape)) or "scalar"
    if row.quantity == "accuracy":
        row.grade = sides.of_outputs.grade
        judge_accuracy(row, actual, expected, sides.of_outputs.open_samples, samples)
        return
    found = difference(actual, expected, radius)
    # If the two agree, one of them tells whether both agree with the definition.
    off = distance(name, actual, pair.mine)
    weak = radius is not None and not found.power <= enough(row.dtype, row.point, row.step)
    if weak and not (found.exceeding or off) and (other := sides.statistical) is not None:
        again = difference(actual, expected, other.radius(name))
        if again.power < found.power:
            pair, found, off = other, again, distance(name, actual, other.mine)
    row.grade = pair.grade
    row.max_abs_diff, row.max_rel_diff = found.max_abs_diff, found.max_rel_diff
    row.bound, row.bound_used = found.bound, found.bound_used
    row.zeros = found.zeros
    if radius is not None:
        row.power, row.power_median = found.power, found.power_median
        row.power_worst = found.power_worst
    if found.exceeding or off:
        row.status = Status.MISMATCH
        row.detail = describe(found, actual.shape)
        if pair.grade is Grade.STATISTICAL:
            row.detail += (
                "; by random rounding errors: correct code is called wrong with a chance of "
                f"{sides.bounds.record.chance:.2g} in all its comparisons"
            )
        its_off = distance(name, expected, pair.its)
        row.cause = blame(row.reference, off, its_off, apart=bool(found.exceeding))
    elif row.tensor in sides.bounds.record.network.unmoved and (
        row.quantity == "gradient"
        # A bias that began at 0 stays there, but for what rounding leaves of its gradient.
        or (row.quantity == "updated" and not found.power <= WEAKEST_POWER)
    ):
        judge_unmoved(row, pair.mine, sides.bounds.record.network.unmoved[row.tensor])
    elif radius is not None and not found.power <= WEAKEST_POWER:
        row.status = Status.UNDECIDED
        row.cause = WEAK + sides.unknown(name)
    else:
        row.status = Status.MATCH


def judge_unmoved(row: Row, bound: Bound, kernel: str) -> None:
    """A gradient that is 0, for nothing depends on its parameter: by the size of another one's.

    Or a parameter that began at 0, and that no step moves.

    Of the parameter's own there is nothing but rounding errors.
    """
    size = float(np.abs(bound.values.get(f"{row.quantity}/{kernel}", np.zeros(1))).max(initial=0.0))
    widest = 4 * float(bound.radii[row.name].max(initial=0.0))
    row.power = row.power_median = row.power_worst = widest / size if size else np.inf
    row.detail = (
        f"it is 0, for what follows ignores {row.tensor}: held against {row.quantity}/{kernel}"
    )
    if row.power <= WEAKEST_POWER:
        row.status = Status.MATCH
    else:
        row.status = Status.UNDECIDED
        row.cause = f"power {row.power:.3g} against {row.quantity}/{kernel}; use milder values"


def judge_accuracy(row: Row, actual: Array, expected: Array, unsure: Array, samples: int) -> None:
    """Compare how many samples are classified rightly, save those that the bound leaves open.

    An accuracy is a count over the samples; below 2²² samples even its float32 quotient rounds
    back to that count, so that the comparison is one of integers.
    """
    right = [round(float(value) * samples) for value in (actual, expected)]
    gap = abs(right[0] - right[1])
    row.max_abs_diff = gap / samples
    row.max_rel_diff = gap / right[1] if right[1] else (0.0 if not gap else np.inf)
    row.bound = len(unsure) / samples
    row.bound_used = gap / len(unsure) if len(unsure) else (0.0 if not gap else np.inf)
    row.zeros = int(right[1] == 0)
    if len(unsure):
        named = ", ".join(map(str, unsure[:10])) + (", …" if len(unsure) > 10 else "")
        row.detail = f"samples within the bound of the threshold: {named}"
    if gap > len(unsure):
        row.status = Status.MISMATCH
        row.detail = (
            f"{right[0]} of {samples} samples right, expected {right[1]}; "
            f"{len(unsure)} of them may differ"
        )
    elif len(unsure) == samples:
        row.status = Status.UNDECIDED
        row.cause = "every sample lies within the bound of the threshold: nothing was compared"
    else:
        row.status = Status.MATCH


def blame(reference: str, mine: float, its: float, *, apart: bool) -> str:
    """Who of the two lies outside of the definition's bound, and by how much."""
    subject_off = f"the subject is off by {mine:.2g} of the largest element"
    if reference == DEFINITION:  # there is nobody else whose fault it could be
        return subject_off
    reference_off = f"{reference} is off by {its:.2g} of the largest element"
    if mine and its and apart:
        return f"neither is within its bound of the definition: {subject_off}, {reference_off}"
    if mine and apart:
        return f"{reference} is within its bound of the definition, {subject_off}"
    if mine:
        return (
            f"the subject and {reference} agree, but not with the pairing's Network "
            f"({subject_off}): is its loss, penalty or activation what they compute?"
        )
    if its:
        return f"reference at fault: the subject is within its bound, {reference_off}"
    return "each is within its bound of the definition, but they are too far apart"


def meant(given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What a shape that does not fit may come from."""
    if len(given) == len(wanted) + 1 and given[1:] == wanted and wanted:
        return "; is it of every sample? the sum over the first axis is missing"
    if given != wanted and given[::-1] == wanted:
        return ": it is transposed"
    if tuple(n for n in given if n != 1) == tuple(n for n in wanted if n != 1):
        return ": axes of length 1 are too many, or too few"
    return ""


def unusable(name: str, tensors: Tensors, radius: Array | None, dtype: str) -> str:
    """Why an implementation's tensor cannot be compared, or nothing."""
    if name not in tensors:
        near = difflib.get_close_matches(name, tensors, n=1)
        return f"gave no {name}" + (f" (but {near[0]})" if near else "")
    value = tensors[name]
    shape = () if radius is None else radius.shape
    if value.shape != shape:
        return f"{name} has shape {value.shape}, but should be {shape}{meant(value.shape, shape)}"
    if name.startswith("parameter_count"):
        return (
            "" if value.dtype.kind in "iu" else f"{name} has dtype {value.dtype}; give an integer"
        )
    if value.dtype.kind not in "f":
        return f"{name} has dtype {value.dtype}; give {dtype}"
    # A Python float has no dtype of its own; it is an array of float64 and no dimensions here.
    if value.dtype != held_in(dtype) and value.shape:
        return f"{name} has dtype {value.dtype}, but should be {dtype}"
    if not np.isfinite(value).all():
        bad = np.argwhere(~np.isfinite(value))
        at = tuple(int(i) for i in bad[0])
        return (
            f"{name} is {value[at]} at {at}, and not finite in {len(bad)} of {value.size} elements"
        )
    return ""


def describe(found: Difference, shape: tuple[int, ...]) -> str:
    """Where, how far, how much was allowed, and how many elements differ."""
    where = tuple(int(i) for i in np.unravel_index(found.worst, shape)) if shape else ""
    return (
        f"{f'at {where}: ' if shape else ''}actual {found.actual:.17g}, "
        f"expected {found.expected:.17g}, difference {abs(found.actual - found.expected):.3g} "
        f"where {found.bound:.3g} is allowed; {found.exceeding} of {found.size} elements "
        f"({found.exceeding / found.size:.1%}) differ by more than their bound"
    )
