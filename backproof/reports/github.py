"""Annotations of GitHub: one line for each pairing that does not pass, which names file and line.

The form is that of GitHub's workflow commands ("Workflow commands for GitHub Actions", setting an
error message).
"""

from __future__ import annotations

from collections.abc import Iterator

from backproof.comparison.judging.rows import Status
from backproof.reports import summary
from backproof.reports.findings import Findings
from backproof.reports.harmless import printable
from backproof.reports.located import located

# How grave a verdict is to GitHub; a match is not annotated.
LEVELS = {
    Status.MISMATCH: "error",
    Status.ERROR: "error",
    Status.UNDECIDED: "error",
    Status.WAIVED: "warning",
    Status.AT_FAULT: "notice",
}


def annotated(report: Findings) -> Iterator[str]:
    """The lines: what was not loaded, then every pairing and reference, the same cause once."""
    for note in report.notes:
        yield command("error", "not loaded", note, located(note, ""))
    places = {record.pairing: record.place for record in report.records}
    told: dict[tuple[str, Status, str], list[str]] = {}
    for duel in summary.duels(report):
        if duel.verdict is not Status.MATCH:
            key = (duel.pairing, duel.verdict, why(report, duel))
            told.setdefault(key, []).append(duel.reference)
    for (pairing, verdict, cause), references in told.items():
        title = f"{verdict}: {pairing} against {summary.listed(references)}"
        yield command(LEVELS[verdict], title, cause, located(cause, places[pairing]))


def why(report: Findings, duel: summary.Duel) -> str:
    """The cause of a verdict, without whom it was found against."""
    worst = [f.worst for f in summary.failures(report, duel) if f.status is duel.verdict]
    told = next((row.cause or row.detail for row in worst if row.cause or row.detail), "")
    return told or "nothing was compared"


def command(level: str, title: str, message: str, place: tuple[str, int] | None) -> str:
    """One workflow command; a message cannot end it, or begin another."""
    where = f"file={of_property(place[0])},line={place[1]}," if place else ""
    return f"::{level} {where}title={of_property(title)}::{escaped(message)}"


def escaped(text: str) -> str:
    """A message: per cent signs and line ends are told by their codes."""
    shown = printable(text.replace("\r", "\n"))
    return shown.replace("%", "%25").replace("\n", "%0A")


def of_property(text: str) -> str:
    """A property, which colons and commas would end."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")
