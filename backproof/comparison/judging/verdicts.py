"""Verdicts: what every comparison of a record comes to, and why."""

from __future__ import annotations

import datetime
import difflib
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.bound import WEAKEST_POWER, distance
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty, outside
from backproof.comparison.bounds.vacuity import find_vacuity
from backproof.comparison.judging.alone import tell_alone
from backproof.comparison.judging.conventions import granted
from backproof.comparison.judging.exhibits import exhibits
from backproof.comparison.judging.explanation import explain
from backproof.comparison.judging.judging import blank, compare_point
from backproof.comparison.judging.overflow import tell_overflow
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.judging.states import tell_unread, tell_unshown
from backproof.comparison.pairing.pairing import Waiver
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.comparison.record.subject_run import START, UNSTEADY, remedy
from backproof.mathematics.errors import told

Array = NDArray[Any]


def compare(
    record: Record,
    bounds: Bounds,
    certainty: Certainty,
    today: datetime.date,
    measure: Callable[[], object] = lambda: None,
) -> list[Row]:
    """A row for each reference × point × name, with vacuity, causes and waivers.

    ``measure`` has the slopes of the subject's own loss measured into the record: it is called if
    something does not match and no fault explains it.
    """
    rows = compared(record, bounds, certainty)
    if any(row.status is Status.MISMATCH for row in rows):
        bounds.granted = granted(record, bounds)
        if bounds.granted is not None:
            rows = compared(record, bounds, certainty)
    acknowledge_faults(rows, record, bounds, certainty)
    plain = {id(row): row.cause for row in rows}
    try:
        explained = explain(rows, record, bounds, measure)
    except Exception as error:  # a verdict stands, whatever becomes of its explanation
        explained = False
        for row in rows:
            if row.status is Status.MISMATCH:
                row.cause = f"{row.cause}; it could not be explained ({told(error)})"
    if not explained:
        tell_alone(rows, record)
    tell_overflow(rows, record, bounds, plain)
    tell_unread(rows, record, bounds)
    rows += tell_unshown(rows, record)
    if unsteady := unsteadiness(record, bounds):
        # A fault that remembers former calls, and is found, is a mismatch with a cause.
        for row in rows:
            if not explained:
                row.status, row.cause = Status.ERROR, unsteady
            elif row.status is Status.MISMATCH:
                row.detail = f"{row.detail}; {unsteady}"
    apply_waivers(rows, record.waivers, today)
    record.exhibits = exhibits(rows, record, bounds, certainty)
    return rows


def compared(record: Record, bounds: Bounds, certainty: Certainty) -> list[Row]:
    """A row for each reference × point × name, with vacuity."""
    rows: list[Row] = []
    found: dict[str, list[Row]] = {reference: [] for reference in record.references}
    for point in record.points():  # all that is known of a point at once: it may be large
        for reference, mine in found.items():
            mine += compare_point(record, bounds, certainty, reference, point)
        record.let_go(point)
    for mine in found.values():
        pass_zeros(mine, record, bounds)
        pass_small(mine, record)
        pass_coarse(mine, record)
        find_vacuity(mine, bounds.idle, record.network.unmoved)
        rows += mine
    return rows


def errors(record: Record, cause: str) -> list[Row]:
    """The rows of a record that could not be judged."""
    rows = [
        blank(record, reference, point, name)
        for reference in record.references
        for point in record.points() or [START]
        for name in record.names(point)
    ]
    for row in rows:
        row.cause = cause
    return rows


def acknowledge_faults(
    rows: list[Row], record: Record, bounds: Bounds, certainty: Certainty
) -> None:
    """Tell a reference's known fault from a mismatch that concerns the subject.

    It is acknowledged where all of this holds: the subject is within its bound of the definition,
    and of the certified value where there is one; another reference matches it in this very
    comparison, or, where there is none, certified values of that tensor side with the subject; and
    the reference is off by no more than coefficients in float32 explain. What else a reference is
    at fault for stays a mismatch: the twin may be wrong.
    """
    certified = sides_with(record, bounds, certainty)
    matching: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for row in rows:
        if row.status is Status.MATCH:
            matching[row.name, row.point, row.step].append(row.reference)
    for row in rows:
        confirmed_by = matching[row.name, row.point, row.step]
        if row.status is not Status.MISMATCH or not row.shape:
            continue
        if not confirmed_by and (len(record.references) > 1 or row.name not in certified):
            continue
        point = Point(row.point, row.step)
        actual, expected = (
            record.evaluations[who][point][row.name] for who in (SUBJECT, row.reference)
        )
        mine = bounds.graded(SUBJECT, point, row.grade)
        narrow = bounds.with_float32_coefficients(row.reference, point, row.grade)
        if narrow is None or row.name not in narrow.radii or distance(row.name, actual, mine):
            continue
        truth = certainty.at(point).get(row.name)
        if truth is not None and outside(actual, truth, mine.radii[row.name]) > 1:
            continue
        if distance(row.name, expected, narrow) == 0:
            row.status = Status.AT_FAULT
            sides = [*confirmed_by]
            if truth is not None:
                sides.append("the certified value")
            elif not confirmed_by:
                sides.append("the certified values at other points")
            row.cause += (
                f", which coefficients held in float32 explain; the subject matches "
                f"{' and '.join(sides)}"
            )


def sides_with(record: Record, bounds: Bounds, certainty: Certainty) -> set[str]:
    """The tensors of which certified values are known that all lie within the subject's bound."""
    known: set[str] = set()
    wrong: set[str] = set()
    if len(record.references) > 1:
        return known  # then another reference is asked
    for point, given in record.evaluations.get(SUBJECT, {}).items():
        mine = bounds.at(SUBJECT, point)
        for name, truth in certainty.at(point).items():
            if name not in given or given[name].shape != mine.radii[name].shape:
                continue
            known.add(name)
            if not outside(given[name], truth, mine.radii[name]) <= 1:
                wrong.add(name)
    return known - wrong


def unsteadiness(record: Record, bounds: Bounds) -> str:
    """What two calls of the subject with the same input gave, if rounding cannot explain it.

    Each lies within the radius of the exact result: they are no further apart than twice that.
    """
    for name, gap in record.unsteady.items():
        radii = bounds.at(SUBJECT, START).radii
        allowed = 2 * float(radii[name].max()) if name in radii else 0.0
        if not gap <= allowed:
            return f"{UNSTEADY} gave {name} with a difference of {gap:.3g}; {remedy(record)}"
    return ""


def pass_zeros(rows: list[Row], record: Record, bounds: Bounds) -> None:
    """A tensor that is all zeros at a point is as good as shown where its bound is small there.

    Zeros have no size of their own to hold a radius against. That of the same tensor at the points
    where it matches with strength is taken; where there is none, nothing is known, and UNDECIDED
    stays. (What no point exercises is found afterwards, by `find_vacuity`.) A form that is granted
    loses the digits of what is small, where units are saturated: that is taken likewise.
    """
    for row in rows:
        if row.status is not Status.UNDECIDED or row.bound is None or row.power is None:
            continue
        if row.power != np.inf and bounds.granted is None:
            continue
        point = Point(row.point, row.step)
        both = [bounds.widest(who, point, row.grade) for who in (SUBJECT, row.reference)]
        if row.name not in both[0]:
            continue
        widest = sum(each[row.name] for each in both)
        zeros = not record.evaluations[row.reference][point][row.name].any()
        if not zeros and bounds.granted is None:
            continue
        sizes = []
        for r in rows:
            if r.name == row.name and r.status is Status.MATCH:
                at = Point(r.point, r.step)
                sizes.append(float(np.abs(record.evaluations[row.reference][at][row.name]).max()))
                record.let_go(at)
        if 2 * widest <= WEAKEST_POWER * max(sizes, default=0.0):
            row.status, row.cause = Status.MATCH, ""
            if not zeros and bounds.granted is not None:
                row.detail = bounds.granted.told


def pass_small(rows: list[Row], record: Record) -> None:
    """A tensor that passes through 0 at a step of the training is held against its usual size.

    There the bound is wide beside what is left of it, and says as much as at other steps. Where
    most steps are compared with strength, and the bound is small beside the tensor's median size at
    those, the comparison is noted, and is as good as theirs.
    """
    along = [row for row in rows if row.point == DATA]
    for row in along:
        if row.status is not Status.UNDECIDED or row.bound is None or row.power is None:
            continue
        same = [r for r in along if (r.name, r.reference) == (row.name, row.reference)]
        strong = [r for r in same if r.status is Status.MATCH and not r.detail]
        if 2 * len(strong) <= len(same) or not np.isfinite(row.power):
            continue
        usual = float(np.median([size_at(record, r) for r in strong]))
        if row.power * size_at(record, row) <= WEAKEST_POWER * usual:
            row.status, row.cause = Status.MATCH, ""
            row.detail = "small here: its bound is held against its usual size along the training"


def pass_coarse(rows: list[Row], record: Record) -> None:
    """What a declared accuracy or precision makes weak at a probe is noted there.

    A function that errs by as much as is declared, or a half precision, may move a tensor that
    far: no bound could be narrower. Where the tensor is compared with strength at most points, and
    errors of its own size would be seen here too, the comparison is as good as theirs.
    """
    for row in rows if record.accuracy or record.precision else ():
        if row.status is not Status.UNDECIDED or row.power is None or not row.power < 1:
            continue
        same = [r for r in rows if (r.name, r.reference) == (row.name, row.reference)]
        if 2 * sum(r.status is Status.MATCH for r in same) > len(same):
            row.status, row.cause = Status.MATCH, ""
            declared = [f"of {name}" for name in record.accuracy]
            declared += [] if record.precision is None else [f"({record.precision.told})"]
            named = ", ".join(declared)
            row.detail = f"weak here, by what is declared {named}: power {row.power:.3g}"


def size_at(record: Record, row: Row) -> float:
    """The largest element of what the reference gave."""
    at = Point(row.point, row.step)
    found = float(np.abs(record.evaluations[row.reference][at][row.name]).max(initial=0.0))
    record.let_go(at)
    return found


def apply_waivers(rows: list[Row], waivers: tuple[Waiver, ...], today: datetime.date) -> None:
    """Let the named comparisons pass; a waiver that is not needed, or is too old, is an error."""
    for waiver in waivers:
        named = [row for row in rows if f"{row.reference}/{row.name}" == waiver.comparison]
        failing = [row for row in named if not row.status.passes]
        if not named:
            known = sorted({f"{row.reference}/{row.name}" for row in rows})
            near = difflib.get_close_matches(waiver.comparison, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see the names in the report"
            for row in rows:
                row.status = Status.ERROR
                row.cause = f"the waiver {waiver.comparison!r} names no comparison; {hint}"
        elif not failing:
            expired = f"expired on {waiver.expires}, and " if waiver.expires < today else ""
            for row in named:
                row.status = Status.ERROR
                row.cause = f"its waiver ({waiver.reason}) {expired}is no longer needed: remove it"
        elif waiver.expires < today:
            for row in failing:
                row.cause = f"its waiver expired on {waiver.expires}; {row.cause}".rstrip("; ")
        else:
            for row in failing:
                row.cause = (
                    f"{row.status}, waived until {waiver.expires}: {waiver.reason}; {row.cause}"
                ).rstrip("; ")
                row.status = Status.WAIVED
