"""The final table of a run on the terminal, and what failed."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from backproof.comparison.judging.rows import Status
from backproof.comparison.record.record import DATA
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
    Status.AT_FAULT: "yellow",
}
# Beyond this many tensors the report says the rest.
MOST_SHOWN = 6
# Columns of words, not of numbers.
WORDS = ("pairing", "reference", "verdict")
# Columns that a narrow terminal can do without, the first to go first.
DISPENSABLE = ("compared", "bound used", "gradient power")


def show(report: Report, console: Console) -> None:
    """Print the table, the failures, the notes and the verdict."""
    every = duels(report)
    if every:
        console.print(fitting(every, console))
    shown: dict[tuple[object, ...], str] = {}
    for duel in every:
        found = failures(report, duel)
        if not found:
            continue
        key = (duel.pairing, *(failure.gist(duel.reference) for failure in found))
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
    quiet = report.status in (Status.MATCH, Status.AT_FAULT)
    style = STYLES[Status.MATCH if quiet else Status.MISMATCH]
    console.print(f"[{style}]{escape(sentence(report))}[/]", highlight=False)


def fitting(every: list[Duel], console: Console) -> Table:
    """The table; on a narrow terminal without the columns that matter least."""
    # In its own options a console finds that everything fits: it would cut the columns.
    unlimited = console.options.update(width=10_000)
    for left_out in range(len(DISPENSABLE) + 1):
        made = table(every, DISPENSABLE[:left_out])
        if console.measure(made, options=unlimited).minimum <= console.width:
            return made
    return table(every, DISPENSABLE, tight=True)


def table(every: list[Duel], without: tuple[str, ...] = (), *, tight: bool = False) -> Table:
    """One row a pairing × reference; ``tight``: with one space between columns, not two."""
    result = Table(box=None, pad_edge=False, collapse_padding=tight, header_style="bold")
    statuses = [
        status
        for status in SHOWN
        if status is Status.MATCH or any(duel.counts[status] for duel in every)
    ]
    cells: list[dict[str, str]] = [
        {
            "pairing": escape(duel.pairing),
            "reference": escape(duel.reference),
            "compared": str(len(duel.rows)),
            **{
                str(status): f"[{STYLES[status]}]{duel.counts[status]}[/]"
                if duel.counts[status]
                else "–"
                for status in statuses
            },
            "gradient power": figure(duel.power),
            "bound used": figure(duel.bound_used),
            "verdict": f"[{STYLES[duel.verdict]}]{duel.verdict}[/]",
        }
        for duel in every
    ]
    columns = [name for name in cells[0] if name not in without]
    for name in columns:
        result.add_column(
            name,
            justify="left" if name in WORDS else "right",
            no_wrap=" " not in name,  # only a heading of two words may be broken
        )
    for row in cells:
        result.add_row(*(row[name] for name in columns))
    return result


def show_failures(duel: Duel, found: list[Failure], console: Console) -> None:
    """The first tensors that failed, in the order of computation."""
    console.print(f"\n[bold]{escape(duel.pairing)}[/] against [bold]{escape(duel.reference)}[/]")
    told: set[str] = set()  # what explains several tensors is said once
    for failure in found[:MOST_SHOWN]:
        row = failure.worst
        at = f"step {row.step}" if row.point == DATA else row.point
        name = escape(failure.name + failure.others)
        head = f"[{STYLES[failure.status]}]{failure.status}[/] {name}"
        lines = [(2, f"{head}, {escape(failure.where)}")]
        lines += [(4, escape(f"{at}, {row.detail}"))] if row.detail else []
        lines += [(4, escape(row.cause))] if row.cause and row.cause not in told else []
        told.add(row.cause)
        for indent, line in lines:
            show_indented(indent, line, console)
    if len(found) > MOST_SHOWN:
        more = f"… and {len(found) - MOST_SHOWN} more; all of them: report.md (--report DIR)"
        show_indented(2, more, console)


def show_indented(indent: int, line: str, console: Console) -> None:
    """A paragraph of markup, wrapped by words, without spaces at the ends of its lines."""
    for part in Text.from_markup(line).wrap(console, console.width - indent):
        part.rstrip()
        console.print(Text(" " * indent) + part, highlight=False, soft_wrap=True)
