"""The verdict for machines: one JSON object, as docs/verdict.schema.json describes it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from backproof.comparison.judging.rows import Grade, exit_status
from backproof.comparison.record.exhibit import Exhibit
from backproof.comparison.record.record import Record
from backproof.reports import summary
from backproof.reports.findings import Findings
from backproof.reports.summary import Duel, Failure

FORMAT = "backproof-verdict-1"


def verdict(report: Findings, folder: Path | None = None) -> dict[str, Any]:
    """What a report comes to: verdicts, causes, elements, bounds, power, and how to judge it again.

    ``folder``: where it was written, if it was. What no JSON number is, stands as a string.
    """
    every = summary.duels(report)
    by_rows = exit_status([duel.verdict for duel in every])
    grades = {row.grade for row in report.rows if row.grade}
    graded = Grade.STATISTICAL if Grade.STATISTICAL in grades else next(iter(grades), None)
    found = {
        "format": FORMAT,
        "status": str(summary.verdict(report)),
        "exit_status": 2 if report.notes and by_rows != 1 else by_rows,
        "sentence": summary.sentence(report),
        "grade": None if graded is None else str(graded),
        "comparisons": len(report.rows),
        "not_loaded": list(report.notes),
        "report": None if folder is None else str(folder),
        "replay": None if folder is None else f"backproof replay {folder}",
        "pairings": [of_pairing(report, record, every) for record in report.records],
    }
    plain: dict[str, Any] = as_json(found)
    return plain


def as_text(report: Findings, folder: Path | None = None) -> str:
    """The same as a line for each key, in ASCII."""
    return json.dumps(verdict(report, folder), indent=1, allow_nan=False)


def of_pairing(report: Findings, record: Record, every: list[Duel]) -> dict[str, Any]:
    """The verdict of one pairing."""
    mine = [duel for duel in every if duel.pairing == record.pairing]
    statuses = [duel.verdict for duel in mine]
    worst = next((s for s in summary.WORST_FIRST if s in statuses), summary.WORST_FIRST[0])
    shown = {(each.reference, each.name): each for each in record.exhibits}
    return {
        "pairing": record.pairing,
        "subject": record.subject,
        "place": record.place,
        "dtype": record.dtype,
        "status": str(worst),
        "points": len(record.points()),
        "recorded": record.recorded,
        "seed": record.seed,
        "chance": record.chance,
        "not_compared": list(record.omits),
        "caveats": record.caveats,
        "references": [
            {
                "reference": duel.reference,
                "status": str(duel.verdict),
                "counts": {str(status): count for status, count in duel.counts.items() if count},
                "power": duel.power,
                "bound_used": duel.bound_used,
            }
            for duel in mine
        ],
        "corrections": [
            [
                {"place": each.place, "where": each.where, "is": each.stands, "should": each.should}
                for each in together
            ]
            for together in record.corrections
        ],
        "failures": [
            of_failure(duel, failure, name, shown.get((duel.reference, name)))
            for duel in mine
            for failure in summary.failures(report, duel)
            for name in failure.names
        ],
    }


def of_failure(duel: Duel, failure: Failure, name: str, exhibit: Exhibit | None) -> dict[str, Any]:
    """What does not match of one tensor, at its worst."""
    row = failure.worst
    told: dict[str, Any] = {
        "reference": duel.reference,
        "name": name,
        "status": str(failure.status),
        "grade": None if row.grade is None else str(row.grade),
        "point": row.point,
        "step": row.step,
        "where": failure.where,
        "bound": row.bound,
        "bound_used": row.bound_used,
        "power": row.power,
        "cause": row.cause,
        "detail": row.detail,
        "element": None,
    }
    if exhibit is not None and exhibit.elements:
        at = exhibit.elements[0]
        told["element"] = {
            "point": exhibit.point,
            "step": exhibit.step,
            "index": list(at.index),
            "actual": at.actual,
            "expected": at.expected,
            "exact": at.exact,
            "certified": exhibit.certified,
            "allowed": at.allowed,
        }
    return told


def as_json(value: Any) -> Any:
    """Plain JSON: NumPy's numbers are Python's, and NaN and infinity are strings."""
    if isinstance(value, dict):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
