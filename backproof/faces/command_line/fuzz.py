"""``backproof fuzz``: random networks against the references."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backproof.faces.command_line.screen import console, progress
from backproof.faces.command_line.selection import DType, check_references
from backproof.implementations.host.installation import to_install
from backproof.mathematics.errors import UsageError
from backproof.reports.harmless import for_terminal, paragraph


def fuzz(
    cases: Annotated[int, typer.Option(min=1, help="How many random networks.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed draws the same networks.")] = 0,
    reference: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A reference; repeatable.")
    ] = None,
    dtype: Annotated[DType, typer.Option(help="The precision.")] = DType.float64,
    graphs: Annotated[
        bool,
        typer.Option("--graphs", help="Graphs of all kinds of layers, in the place of chains."),
    ] = False,
    save: Annotated[
        Path, typer.Option(metavar="DIR", help="Write a case that fails there.")
    ] = Path("reports/fuzz"),
) -> None:
    """Compare random networks with the references: no correct one may be called wrong."""
    check_references(reference)
    from backproof.comparison.run import Workers

    with Workers(reference or ("keras", "torch"), dtype, Path.cwd()) as workers:
        try:
            from backproof.gauging.fuzzing import fuzzing
        except ModuleNotFoundError as error:
            raise UsageError(f"{error}; install it with: {to_install('fuzz')}") from error

        with progress() as bar:
            task = bar.add_task(f"{dtype}", total=cases)
            tally, failed, why = fuzzing.fuzz(
                workers, cases, seed, lambda _: bar.advance(task), of_graphs=graphs
            )
    if failed is not None:
        path = fuzzing.write_case(failed, save, workers.by_name)
        console.print(f"[bold red]{paragraph(why)}[/]", highlight=False, soft_wrap=True)
        option = "" if dtype is DType.float64 else f" --dtype {dtype}"
        again = f"backproof verify {path}{option}"
        told = for_terminal(f"Shrunk to {path}; judge it with: {again}")
        console.print(told, highlight=False, soft_wrap=True)
    console.print(tally.line(), highlight=False, soft_wrap=True)
    raise typer.Exit(tally.exit_status)
