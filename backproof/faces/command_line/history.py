"""``backproof history``: how verdicts, strength and the use of the bounds have moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from backproof.faces.command_line.screen import console


def history(
    file: Annotated[Path, typer.Argument(help="A file that verify --history has written.")],
    only: Annotated[
        list[str] | None, typer.Option(metavar="PAIRING", help="Only this pairing; repeatable.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="So many rows of each, the newest.")] = 20,
) -> None:
    """Show the runs of a history, a line for each pairing and reference, the newest last."""
    from rich.table import Table

    from backproof.reports.harmless import for_terminal
    from backproof.reports.history import Entry, read
    from backproof.reports.page.words import digit_count, share

    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in read(file):
        if not only or entry.pairing in only:
            groups.setdefault((entry.pairing, entry.reference), []).append(entry)
    table = Table("pairing", "reference", "time", "commit", "verdict", "passed", "digits sure")
    table.add_column("bound used", justify="right")
    table.add_column("versions")
    for (pairing, reference), entries in sorted(groups.items()):
        for entry in entries[-last:]:
            counts = json.loads(entry.counts)
            sure = digit_count(entry.power)
            cells = (
                *(pairing, reference, entry.time, entry.revision, entry.verdict),
                f"{counts.get('MATCH', 0)}/{sum(counts.values())}",
                "" if sure is None else f"{sure:.1f}",
                "" if entry.bound_used is None else share(entry.bound_used),
                entry.versions,
            )
            table.add_row(*map(for_terminal, cells))
        table.add_section()
    console.print(table)
