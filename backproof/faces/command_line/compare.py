"""``backproof compare``: what has changed from one report to the next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backproof.faces.command_line.screen import console
from backproof.reports.harmless import for_terminal, paragraph

if TYPE_CHECKING:
    from rich.table import Table

    from backproof.reports.changes import Changes


def compare(
    old: Annotated[Path, typer.Argument(help="A folder that --report has written to.")],
    new: Annotated[Path, typer.Argument(help="Another, of a later run.")],
) -> None:
    """Say what has changed between two reports: verdicts, power, digits, bound used, versions."""
    from backproof.reports.changes import Changes

    changes = Changes.between(old, new)
    show(changes)
    raise typer.Exit(1 if changes.worse else 0)


def show(changes: Changes) -> None:
    """What is worse first; no table for what has not changed."""
    from backproof.reports.summary import figure

    for each in changes.verdicts:
        style = "bold red" if each.worse else "yellow"
        head = f"[{style}]{each.old} → {each.new}[/]"
        who = f"{for_terminal(each.pairing)} against {for_terminal(each.reference)}"
        line = f"{head} {who}: {for_terminal(each.name)}, {each.count} comparisons"
        console.print(line, highlight=False, soft_wrap=True)
        if each.cause:
            console.print(f"    {paragraph(each.cause)}", highlight=False, soft_wrap=True)
    if changes.figures:
        console.print(
            table(
                ("pairing", "reference", "figure", "old", "new"),
                [
                    (each.pairing, each.reference, each.name, figure(each.old), figure(each.new))
                    for each in changes.figures
                ],
            )
        )
    if changes.versions:
        console.print(table(("environment", "old", "new"), changes.versions))
    console.print(f"[{'bold red' if changes.worse else 'green'}]{changes.sentence}[/]")


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """A table of words."""
    from rich.table import Table

    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*map(for_terminal, row))
    return made
