"""The end of a run: its report is written and shown, and the exit status follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backproof.faces.command_line.options import BYTES, Shown
from backproof.faces.command_line.screen import console, show_written, tell
from backproof.faces.guard import NO_VERDICT, WRONG_USAGE
from backproof.implementations.host import surroundings, watched
from backproof.mathematics.errors import UsageError
from backproof.reports.detail import Detail

if TYPE_CHECKING:
    import datetime

    from backproof.comparison.pairing.pairing import Broken
    from backproof.comparison.run import Judged

MISMATCH = 1


def finish(
    judged: list[Judged],
    broken: list[Broken],
    environment: dict[str, object],
    today: datetime.date,
    folder: Path | None,
    limit: float,
    notes: list[str] | None = None,
    detail: Detail = Detail.NORMAL,
    form: Shown = Shown.text,
    history: Path | None = None,
) -> int:
    """Write and show the report; returns the exit status that follows from it.

    It is written first: a screen may fail, or be closed by who has seen enough. A history that
    cannot be written is told, and changes no verdict.
    """
    from backproof.comparison.pairing.pairing import all_ended
    from backproof.reports.github import annotated
    from backproof.reports.report import Report as Judgement
    from backproof.reports.terminal import show

    surroundings.go_home()
    report = Judgement.of(judged, environment, today)
    report.notes += [*(notes or ()), *(each.note for each in broken)]
    if history is not None:
        from backproof.reports.history import append

        try:
            report.history = append(report, history)
        except UsageError as error:
            tell(error)
    unwritten: UsageError | None = None
    if folder is not None:
        try:
            with watched.doing(f"writing the report in {folder}"):
                report.write(folder, evaluations_limit=limit * BYTES)
        except UsageError as error:
            unwritten = error
    if form is Shown.json:
        from backproof.reports.verdict import as_text

        text = as_text(report, None if unwritten is not None else folder)
        console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)
    else:
        show(report, console, detail)
    for line in annotated(report) if form is Shown.github else ():
        console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
    if unwritten is not None:
        if report.exit_status != MISMATCH:
            raise unwritten
        tell(unwritten)
    elif folder is not None and form is not Shown.json:
        show_written(folder / "report.md")
    if report.exit_status == WRONG_USAGE and broken and not notes and all_ended(broken):
        return NO_VERDICT
    return report.exit_status
