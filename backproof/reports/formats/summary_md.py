"""summary.md: what a pull request shows, in forty lines at most."""

from __future__ import annotations

import re
from math import floor
from typing import TYPE_CHECKING

from backproof.comparison.judging.rows import Status
from backproof.reports.formats import Format
from backproof.reports.formats.report_md import aligned, environment
from backproof.reports.summary import figure

if TYPE_CHECKING:
    from backproof.reports.changes import Changes, Figure, Verdicts
    from backproof.reports.findings import Findings

# Lines of each part; together with what stands between them they are forty at most.
MOST_CAUSES, MOST_NOTES, MOST_LEFT_OUT, MOST_CHANGES = 5, 2, 4, 8
LONGEST = 400
"""Letters of a cause: what is longer, report.md tells."""


def render(report: Findings) -> str:
    """The template ``summary.md.j2``, filled; without what changed where nothing is known of it."""
    from backproof.reports.page.cards import cards
    from backproof.reports.page.page import SIGNS, briefly, left_out
    from backproof.reports.page.words import digit_count

    every = cards(report)
    passing = [card for card in every if card.status.passes]
    powers = [card.power for card in passing if card.power]
    made = environment()
    made.filters["shortened"] = shortened
    text = made.get_template("summary.md.j2").render(
        report=report,
        sign=SIGNS[report.status],  # type: ignore[attr-defined] # a Report, which imports formats
        signs=SIGNS,
        briefly=briefly(report, every),
        failing=[card for card in every if not card.status.passes],
        passing=len(passing),
        strength=floor(digit_count(max(powers)) or 0) if powers else 0,
        left_out=left_out([card for card in every if card.status is not Status.ERROR]),
        changes=changed(report.changes) if report.changes else [],
        most_causes=MOST_CAUSES,
        most_notes=MOST_NOTES,
        most_left_out=MOST_LEFT_OUT,
        most_changes=MOST_CHANGES,
    )
    return aligned(re.sub(r"\n{3,}", "\n\n", text)) + "\n"


def shortened(text: str) -> str:
    """A long text without its end."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST].rstrip(chr(92)).rstrip()} …"


def changed(changes: Changes) -> list[tuple[str, str, str]]:
    """What is other than it was, and what it was and is: verdicts, figures, versions."""
    verdicts = [
        (f"{heading(each)}: {each.name}, {each.count} ×", each.old, each.new)
        for each in changes.verdicts
    ]
    figures = [
        (f"{heading(each)}: {each.name}", figure(each.old), figure(each.new))
        for each in changes.figures
    ]
    return [*verdicts, *figures, *changes.versions]


def heading(change: Verdicts | Figure) -> str:
    """Of whom it is."""
    return f"{change.pairing} against {change.reference}"


PART = Format("summary_md", "summary.md", render, compares=True)
