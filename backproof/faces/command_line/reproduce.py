"""``backproof reproduce``: published numbers, obtained again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backproof.faces.command_line.screen import console, progress, show_written
from backproof.faces.command_line.selection import check_references
from backproof.implementations.host import surroundings


def reproduce(
    folder: Annotated[
        Path, typer.Argument(help="The folder of published.csv and the recipes.")
    ] = Path("comparisons/reproduce"),
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write the reports there.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="SYSTEM", help="Only this system; repeatable.")
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this reference; repeatable.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many runs side by side.", show_default="cores")
    ] = None,
) -> None:
    """Obtain published numbers again, by hand and in the twins, and judge every one of them.

    Exit status 1: a number is not reproduced. Else 2: a recipe that cannot be loaded, or numbers
    that nobody has published. Else 3: a number, or an erratum, that could not be obtained.
    """
    check_references(reference)
    from backproof.reproduction import run
    from backproof.reproduction.terminal import show

    if report is not None:
        from backproof.implementations.host.files import check_writable

        check_writable(report)
    with progress() as bar:
        task = bar.add_task("", total=None)
        result = run.run(
            folder,
            only or (),
            tuple(reference or run.REFERENCES),
            processes,
            lambda running, done, of: bar.update(
                task, description="; ".join(running), completed=done, total=of
            ),
        )
    surroundings.go_home()
    show(result, console)
    if report is not None:
        from backproof.reports.environment import environment
        from backproof.reproduction.report import write

        write(result, report, environment("float64", result.versions))
        show_written(report / "reproduction.md")
    raise typer.Exit(result.exit_status)
