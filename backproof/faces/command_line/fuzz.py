"""``backproof fuzz``: random networks against the references."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backproof.faces.command_line.options import Processes, Scheduler
from backproof.faces.command_line.screen import console, progress
from backproof.faces.command_line.selection import DType, campaign, check_references
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
    workers: Processes = None,
    dask: Scheduler = None,
    save: Annotated[
        Path, typer.Option(metavar="DIR", help="Write a case that fails there.")
    ] = Path("reports/fuzz"),
) -> None:
    """Compare random networks with the references: no correct one may be called wrong."""
    check_references(reference)
    references = reference or ["keras", "torch"]
    with campaign(references, dtype, Path.cwd(), workers, dask) as carrying_out:
        try:
            from backproof.gauging.fuzzing import fuzzing
        except ModuleNotFoundError as error:
            raise UsageError(f"{error}; install it with: {to_install('fuzz')}") from error

        with progress() as bar:
            task = bar.add_task(f"{dtype}", total=cases)
            found = fuzzing.joined(
                carrying_out.carry_out(
                    fuzzing.chunks(cases, seed, of_graphs=graphs),
                    lambda done: bar.advance(task, done),
                )
            )
    if found.failed is not None:
        path = fuzzing.write_case(found.failed, save, references)
        console.print(f"[bold red]{paragraph(found.why)}[/]", highlight=False, soft_wrap=True)
        option = "" if dtype is DType.float64 else f" --dtype {dtype}"
        again = f"backproof verify {path}{option}"
        told = for_terminal(f"Shrunk to {path}; judge it with: {again}")
        console.print(told, highlight=False, soft_wrap=True)
    console.print(found.tally.line(), highlight=False, soft_wrap=True)
    raise typer.Exit(found.tally.exit_status)
