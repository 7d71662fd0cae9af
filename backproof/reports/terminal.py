"""The final table of a run on the terminal, and what failed."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from backproof.comparison.rows import Status
from backproof.record import DATA
from backproof.reports.report import Report
from backproof.reports.summary import (
    SHOWN,
    Duel,
    Failure,
    duels,
    failures,
    figure,
    sentence,
)

STYLES = {
    Status.MATCH: "green",
    Status.MISMATCH: "bold red",
    Status.UNDECIDED: "yellow",
    Status.ERROR: "magenta",
    Status.WAIVED: "yellow",
}
# Beyond this many tensors the report says the rest.
MOST_SHOWN = 6


def show(report: Report, console: Console) -> None:
    """Print the table, the failures, the notes and the verdict."""
    every = duels(report)
    if every:
        console.print(table(every))
    shown: dict[tuple[object, ...], str] = {}
    for duel in every:
        found = failures(report, duel)
        key = (duel.pairing, *((failure.name, failure.status, failure.where) for failure in found))
        if not found:
            continue
        if key in shown:
            names = f"[bold]{escape(duel.pairing)}[/] against [bold]{escape(duel.reference)}[/]"
            console.print(f"\n{names}: the same as against {escape(shown[key])}")
        else:
            show_failures(duel, found, console)
            shown[key] = duel.reference
    if shown:
        console.print()
    for note in report.notes:
        console.print(f"[bold red]{escape(note)}[/]", highlight=False, soft_wrap=True)
    good = report.status is Status.MATCH and not report.notes
    style = STYLES[Status.MATCH] if good else STYLES[Status.MISMATCH]
    console.print(f"[{style}]{sentence(report)}[/]", highlight=False)


def table(every: list[Duel]) -> Table:
    """One row a pairing × reference."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    result.add_column("pairing")
    result.add_column("reference")
    result.add_column("compared", justify="right")
    columns = [
        status
        for status in SHOWN
        if status is Status.MATCH or any(duel.counts[status] for duel in every)
    ]
    for status in columns:
        result.add_column(str(status), justify="right")
    result.add_column("gradient power", justify="right")
    result.add_column("bound used", justify="right")
    result.add_column("verdict")
    for duel in every:
        result.add_row(
            escape(duel.pairing),
            escape(duel.reference),
            str(len(duel.rows)),
            *(
                f"[{STYLES[status]}]{duel.counts[status]}[/]" if duel.counts[status] else "–"
                for status in columns
            ),
            figure(duel.power),
            figure(duel.bound_used),
            f"[{STYLES[duel.verdict]}]{duel.verdict}[/]",
        )
    return result


def show_failures(duel: Duel, found: list[Failure], console: Console) -> None:
    """The first tensors that failed, in the order of computation."""
    console.print(f"\n[bold]{escape(duel.pairing)}[/] against [bold]{escape(duel.reference)}[/]")
    for failure in found[:MOST_SHOWN]:
        row = failure.worst
        at = f"step {row.step}" if row.point == DATA else row.point
        head = f"[{STYLES[failure.status]}]{failure.status}[/] {escape(failure.name)}"
        lines = [(2, f"{head}, {escape(failure.where)}")]
        lines += [(4, escape(f"{at}, {row.detail}"))] if row.detail else []
        lines += [(4, escape(row.cause))] if row.cause else []
        for indent, line in lines:
            console.print(Padding(line, (0, 0, 0, indent)), highlight=False)
    if len(found) > MOST_SHOWN:
        console.print(f"  … and {len(found) - MOST_SHOWN} more tensors; the report has them all")
