"""Explanation: what a diagnosis makes of the rows that do not match."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from backproof.comparison.bounds.bound import distance
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis import Diagnosis, Evidence, diagnose, narrow_sums
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.record.record import SUBJECT, Point, Record


def explain(rows: list[Row], record: Record, bounds: Bounds, measure: Callable[[], object]) -> bool:
    """Give the rows that do not match their cause; without any, nothing is computed.

    Returns whether a fault was found that explains all that the subject gave.

    Where the subject is outside of its bound its numbers are explained, where only the reference
    is, the reference's.
    """
    failing = [row for row in rows if row.status in (Status.MISMATCH, Status.ERROR)]

    @cache
    def evidence(who: str) -> Evidence:
        return Evidence(record, bounds, who)

    @cache
    def diagnosis(who: str) -> Diagnosis | None:
        return diagnose(evidence(who), measure)

    off = narrow_sums.off_by(record, bounds) if record.precision is not None and failing else {}
    of_sums = narrow_sums.accumulated(record, bounds, off)
    for row in failing:
        if row.status is Status.MISMATCH and row.name in of_sums:
            row.detail = f"{row.detail}; {row.cause}" if row.cause else row.detail
            row.cause = of_sums[row.name]
            continue
        point = Point(row.point, row.step)
        if point in record.errors.get(SUBJECT, {}) or point in record.errors.get(row.reference, {}):
            continue
        whose = [
            who for who in (SUBJECT, row.reference) if row.name in evidence(who).off.get(point, ())
        ]
        if whose == [SUBJECT, row.reference] and holds_float32(bounds, record, row):
            whose = [SUBJECT]  # what the reference is known for is no matter of this mismatch
        found = [(who, why) for who in whose if (why := diagnosis(who)) is not None]
        if not found:
            continue
        if row.status is Status.ERROR:
            causes = [why.sentence for _, why in found if why.causes or why.flawed]
            row.cause = "; ".join([row.cause, *causes])
        elif whose == [SUBJECT, row.reference] and (row.bound_used or 0) > 1:
            told = [f"{who}: {why.sentence}" for who, why in found]
            row.cause = "; ".join([row.cause, *told])
        elif whose[0] == SUBJECT and (row.bound_used or 0) > 1:
            row.detail = f"{row.detail}; {row.cause}" if row.cause else row.detail
            row.cause = found[0][1].sentence
        else:
            row.cause = "; ".join(filter(None, [row.cause, found[0][1].sentence]))
    if not any(row.status is Status.MISMATCH for row in failing):
        return False
    if off and of_sums.keys() == off.keys():
        return True
    of_subject = diagnosis(SUBJECT)
    record.tables = () if of_subject is None else of_subject.tables
    record.corrections = () if of_subject is None else of_subject.corrections
    return of_subject is not None and bool(of_subject.causes)


def holds_float32(bounds: Bounds, record: Record, row: Row) -> bool:
    """Whether the reference is off by no more than coefficients in float32 explain."""
    point = Point(row.point, row.step)
    narrow = bounds.with_float32_coefficients(row.reference, point)
    given = record.evaluations[row.reference][point]
    return narrow is not None and distance(row.name, given[row.name], narrow) == 0
