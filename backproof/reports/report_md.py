"""report.md: the report for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backproof.comparison.certainty import affordable
from backproof.reports import summary
from backproof.reports.summary import SHOWN, Duel, Failure, figure

if TYPE_CHECKING:
    import jinja2

    from backproof.comparison.rows import Row
    from backproof.reports.report import Report

FILE = "report.md"
# The rows of the table of worst comparisons.
WORST = 10


def render(report: Report) -> str:
    """The template ``report.md.j2``, filled."""
    every = summary.duels(report)
    failing = [(duel, summary.failures(report, duel)) for duel in every]
    text: str = (
        environment()
        .get_template("report.md.j2")
        .render(
            report=report,
            sentence=summary.sentence(report),
            duels=every,
            shown=[s for s in SHOWN if s == "MATCH" or any(duel.counts[s] for duel in every)],
            failing=[(duel, found) for duel, found in failing if unwaived(found)],
            waived=[(duel, f) for duel, found in failing for f in found if f.status == "WAIVED"],
            nearest=worst(report, "bound_used"),
            weakest=worst(report, "power"),
            named=[row for row in report.rows if row.quantity == "accuracy" and row.detail],
            digits=[line for duel in every for line in digits_of(duel)],
            uncertified=[record.pairing for record in report.records if not affordable(record)],
            hashes=[(record, record.hashes()) for record in report.records],
        )
    )
    return text


def environment() -> jinja2.Environment:
    """Jinja2 for Markdown: nothing is escaped but the bars of a table, nothing may be undefined."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("backproof.reports", "."),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    made.filters["figure"] = figure
    made.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    return made


def unwaived(found: list[Failure]) -> list[Failure]:
    """The failures that no waiver lets pass."""
    return [failure for failure in found if failure.status != "WAIVED"]


def worst(report: Report, column: str) -> list[Row]:
    """The rows with the largest value, one for each tensor of a pairing and reference."""
    best: dict[tuple[str, str, str], Row] = {}
    for row in report.rows:
        value = getattr(row, column)
        if value is None or row.power is None:
            continue
        key = (row.pairing, row.reference, row.name)
        if key not in best or value > getattr(best[key], column):
            best[key] = row
    return sorted(best.values(), key=lambda row: -getattr(row, column))[:WORST]


def digits_of(duel: Duel) -> list[tuple[str, str, str, int, float, float]]:
    """For each quantity: pairing, reference, points, and the fewest digits of either side."""
    lines = []
    for quantity in dict.fromkeys(row.quantity for row in duel.rows):
        pairs = [
            (row.subject_digits, row.reference_digits)
            for row in duel.rows
            if row.quantity == quantity
        ]
        known = [(s, r) for s, r in pairs if s is not None and r is not None]
        if known:
            subject, reference = (min(column) for column in zip(*known, strict=True))
            lines.append((duel.pairing, duel.reference, quantity, len(known), subject, reference))
    return lines
