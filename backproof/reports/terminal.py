"""The final table of a run on the terminal, and what failed."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backproof.comparison.judging.rows import Status
from backproof.comparison.record.record import DATA
from backproof.mathematics.errors import told
from backproof.reports.detail import Detail
from backproof.reports.findings import Findings
from backproof.reports.harmless import for_terminal, paragraph
from backproof.reports.summary import (
    SHOWN,
    Duel,
    Failure,
    duels,
    failures,
    figure,
    sentence,
    verdict,
)

STYLES = {
    Status.MATCH: "green",
    Status.MISMATCH: "bold red",
    Status.UNDECIDED: "yellow",
    Status.ERROR: "magenta",
    Status.WAIVED: "yellow",
    Status.AT_FAULT: "yellow",
}
# Failures of an assertion are shown in lines of so many characters.
WIDTH = 100
# Beyond this many tensors the report says the rest.
MOST_SHOWN = 6
# What a line of words needs at least; a terminal that is narrower breaks it itself.
NARROWEST = 20
# Columns of words, not of numbers.
WORDS = ("pairing", "reference", "verdict")
# Columns that a narrow terminal can do without, the first to go first.
DISPENSABLE = ("compared", "bound used", "gradient power")


def as_text(report: Findings) -> str:
    """What it would show, for a failure in a test."""
    # In a notebook Rich would show it beside the message, and leave the file empty.
    console = Console(
        file=io.StringIO(), width=WIDTH, color_system=None, force_jupyter=False, emoji=False
    )
    show(report, console)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def show(report: Findings, console: Console, detail: Detail = Detail.NORMAL) -> None:
    """Print what failed and why, then the table, the notes and the verdict."""
    every = duels(report)
    show_causes(report, every, console, None if detail is Detail.FULL else MOST_SHOWN)
    status = verdict(report)
    quiet = status in (Status.MATCH, Status.AT_FAULT)
    if every and detail is not Detail.CAUSES:
        by_pairing = detail is Detail.NORMAL and status is Status.MATCH
        console.print(fitting(pairs(every) if by_pairing else every, console))
    if report.left_out:
        unstored = (
            f"{sum(report.left_out.values())} comparisons that match, of "
            f"{', '.join(report.left_out)}, cannot be judged again: what they compared is not "
            "stored, as it is beyond the limit (--evaluations-limit)"
        )
        show_indented(0, for_terminal(unstored), console)
    for note in report.notes:
        console.print(f"[bold red]{paragraph(note)}[/]", highlight=False, soft_wrap=True)
    style = STYLES[Status.MATCH if quiet else Status.MISMATCH]
    console.print(f"[{style}]{for_terminal(sentence(report))}[/]", highlight=False)


def show_causes(report: Findings, every: list[Duel], console: Console, most: int | None) -> None:
    """What failed in each duel; what is the same against two references, once."""
    shown: dict[tuple[object, ...], str] = {}
    for duel in every:
        try:
            found = failures(report, duel)
        except Exception as error:  # what cannot be told of one, must not hide the others
            console.print(f"{heading(duel)}: {paragraph(told(error))}, see comparisons.csv\n")
            continue
        if not found:
            continue
        key = (duel.pairing, *(failure.gist(duel.reference) for failure in found))
        if key in shown:
            console.print(f"{heading(duel)}: the same as against {for_terminal(shown[key])}\n")
        else:
            show_failures(duel, found, console, most)
            console.print()
            shown[key] = duel.reference


def pairs(every: list[Duel]) -> list[Duel]:
    """One line a pairing, where all references say the same."""
    by_pairing: dict[str, list[Duel]] = {}
    for duel in every:
        by_pairing.setdefault(duel.pairing, []).append(duel)
    return [
        Duel(pairing, ", ".join(duel.reference for duel in own), [r for d in own for r in d.rows])
        for pairing, own in by_pairing.items()
    ]


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
            "pairing": for_terminal(duel.pairing),
            "reference": for_terminal(duel.reference),
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


def heading(duel: Duel) -> str:
    """Who was compared with whom."""
    return f"[bold]{for_terminal(duel.pairing)}[/] against [bold]{for_terminal(duel.reference)}[/]"


def show_failures(
    duel: Duel, found: list[Failure], console: Console, most: int | None = MOST_SHOWN
) -> None:
    """The first tensors that failed, in the order of computation."""
    console.print(heading(duel))
    said: set[str] = set()  # what explains several tensors is said once
    for failure in found[:most]:
        row = failure.worst
        at = f"step {row.step}" if row.point == DATA else row.point
        name = for_terminal(failure.name + failure.others)
        head = f"[{STYLES[failure.status]}]{failure.status}[/] {name}"
        lines = [(2, f"{head}, {for_terminal(failure.where)}")]
        lines += [(4, paragraph(row.cause))] if row.cause and row.cause not in said else []
        lines += [(4, paragraph(f"{at}, {row.detail}"))] if row.detail else []
        said.add(row.cause)
        for indent, line in lines:
            show_indented(indent, line, console)
    if most is not None and len(found) > most:
        more = f"… and {len(found) - most} more; all of them: -v, or report.md (--report DIR)"
        show_indented(2, more, console)


def show_indented(indent: int, line: str, console: Console) -> None:
    """A paragraph of markup, wrapped by words, without spaces at the ends of its lines."""
    width = max(console.width - indent, NARROWEST)
    for part in Text.from_markup(line, emoji=False).wrap(console, width):
        part.rstrip()
        console.print(Text(" " * indent) + part, highlight=False, soft_wrap=True)
