"""The command line: ``backproof verify``, ``replay``, ``reproduce`` and the rest.

Exit status 0: everything matches. 1: a mismatch. Else 2: wrong usage, or a pairing that cannot be
loaded. Else 3: something undecided or in error. 70: a fault of backproof itself. Heavy imports
stand inside the functions, so that the workers are started first.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backproof.comparison.record import LIMIT
from backproof.faces.command_line.calibrate import calibrate
from backproof.faces.command_line.explain import explain
from backproof.faces.command_line.faults import faults
from backproof.faces.command_line.fuzz import fuzz
from backproof.faces.command_line.init import init
from backproof.faces.command_line.reproduce import reproduce
from backproof.faces.command_line.screen import (
    close_outputs,
    console,
    guard_outputs,
    progress,
    tell_error,
)
from backproof.faces.command_line.selection import DType, check_references, likely, ready, root_of
from backproof.implementations.host.threads import one_thread
from backproof.mathematics.errors import UsageError
from backproof.reports.harmless import for_terminal, printable

if TYPE_CHECKING:
    import datetime

    from backproof.comparison.run import Judged, Workers

MISMATCH = 1
WRONG_USAGE = 2
OWN_FAULT = 70
BYTES = 1_000_000
"""In a megabyte."""
MEGABYTES = LIMIT / BYTES

app = typer.Typer(
    help="Prove hand-written backpropagation against Keras and PyTorch, within derived bounds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Report = Annotated[
    Path | None, typer.Option("--report", metavar="DIR", help="Write the reports there.")
]

Limit = Annotated[
    float,
    typer.Option(
        "--evaluations-limit",
        metavar="MB",
        min=0,
        help="Evaluations beyond so many megabytes are not stored, where they match.",
    ),
]
Certified = Annotated[
    bool, typer.Option(help="Certified values, for the digits that each implementation gets right.")
]


@app.command()
def verify(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Pairing files, or folders of them.", show_default="comparisons"),
    ] = None,
    report: Report = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="PAIRING", help="Only this pairing; repeatable.")
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this reference; repeatable.")
    ] = None,
    dtype: Annotated[DType, typer.Option(help="The precision of everything.")] = DType.float64,
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds a worker may be silent before it is killed.")
    ] = 300.0,
    certified: Certified = True,
    limit: Limit = MEGABYTES,
) -> None:
    """Compare every pairing with its twins, element by element."""
    paths = paths or [Path("comparisons")]
    check_references(reference)
    from backproof.comparison.run import Workers

    root = root_of(paths)
    with Workers(reference or likely(paths), dtype, root, limit=time_limit) as workers:
        raise typer.Exit(run_verify(paths, report, only, reference, workers, certified, limit))


def run_verify(
    paths: list[Path],
    report: Path | None,
    only: list[str] | None,
    reference: list[str] | None,
    workers: Workers,
    certified: bool,
    limit: float,
) -> int:
    """Load, run, judge, show and write; returns the exit status."""
    import datetime

    from backproof.comparison import run
    from backproof.comparison.pairing import pairing
    from backproof.reports.environment import environment

    pairings, broken = ready(paths, report, only, reference, workers)
    today = datetime.date.today()
    judged: list[Judged] = []
    with progress() as bar:
        task = bar.add_task("", total=len(pairings))
        for each in run.verify(
            pairings,
            workers,
            today,
            lambda stage: bar.update(task, description=stage),
            certified=certified,
        ):
            bar.advance(task)
            if isinstance(each, pairing.Broken):
                broken.append(each)
            else:
                judged.append(each)
    notes = [f"not loaded: {each.reason}" for each in broken]
    known = environment(workers.dtype, workers.versions())
    return finish(judged, notes, known, today, report, limit)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="A folder that verify has written its report to.")],
    report: Report = None,
    certified: Certified = True,
    limit: Limit = MEGABYTES,
) -> None:
    """Judge the evaluations of a former run again, without running anything.

    Refused, with exit status 2, where not all of them are there as they were written.
    """
    import datetime

    from backproof.comparison.record import archive
    from backproof.comparison.run import judge_again

    if report is not None:
        from backproof.implementations.host.files import check_writable

        check_writable(report)
    known = archive.load(folder)
    today = datetime.date.today()
    judged = list(judge_again(known.records, today, certified=certified))
    raise typer.Exit(finish(judged, known.notes, known.environment, today, report, limit))


app.command()(fuzz)
app.command()(calibrate)
app.command()(faults)
app.command()(init)
app.command()(explain)
app.command()(reproduce)


def finish(
    judged: list[Judged],
    notes: list[str],
    environment: dict[str, object],
    today: datetime.date,
    folder: Path | None,
    limit: float,
) -> int:
    """Write and show the report; returns the exit status that follows from it.

    It is written first: a screen may fail, or be closed by who has seen enough.
    """
    from backproof.reports.report import Report as Judgement
    from backproof.reports.terminal import show

    report = Judgement.of(judged, environment, today)
    report.notes += notes
    unwritten: UsageError | None = None
    if folder is not None:
        try:
            report.write(folder, evaluations_limit=limit * BYTES)
        except UsageError as error:
            unwritten = error
    show(report, console)
    if unwritten is not None:
        if report.exit_status != MISMATCH:
            raise unwritten
        tell_error(unwritten)
    elif folder is not None:
        console.print(for_terminal(f"Report: {folder / 'report.md'}"), highlight=False)
    return report.exit_status


def main() -> None:
    """The entry point: a user's mistake becomes a message, a fault of our own a traceback."""
    one_thread()
    guard_outputs()
    try:
        app()
    except UsageError as error:
        tell_error(error)
        sys.exit(WRONG_USAGE)
    except Exception:  # whatever is left is a fault of backproof, and must not look like a verdict
        sys.stderr.write(printable(traceback.format_exc()))
        sys.stderr.write("This is a fault of backproof itself; please report it.\n")
        sys.exit(OWN_FAULT)
    finally:
        close_outputs()
