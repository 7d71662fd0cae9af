"""The command line: ``backproof verify``, ``replay``, ``reproduce`` and the rest.

Exit status 0: everything matches. 1: a mismatch. Else 2: wrong usage, or a pairing that cannot be
loaded. Else 3: something undecided or in error, or a run that ended without its verdict. 70: a
fault of backproof itself. 128 + n: signal n has asked it to end. Heavy imports stand inside the
functions, so that the workers are started first.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backproof.comparison.record import FALSE_ALARM, LIMIT, MOST_CHANCE
from backproof.faces import guard
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
    tell,
)
from backproof.faces.command_line.selection import DType, check_references, likely, ready, root_of
from backproof.faces.guard import NO_VERDICT, WRONG_USAGE
from backproof.implementations.host import processes, watched
from backproof.implementations.host.threads import one_thread
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.reports.harmless import for_terminal, printable

if TYPE_CHECKING:
    import datetime

    from backproof.comparison.pairing.pairing import Broken
    from backproof.comparison.run import Judged, Workers

MISMATCH = 1
OWN_FAULT = 70
IN_PROCESS = "--in-process"
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


class InterruptedRunError(Exception):
    """A run that was asked to end; the exit status says by which signal."""

    def __init__(self, interrupt: KeyboardInterrupt) -> None:
        super().__init__("interrupted")
        self.status = watched.status_of(interrupt)


def command(function: Callable[..., None]) -> None:
    """Enter a command: within it SystemExit is user code's, and no verdict.

    Nor is an interrupt, which Typer would make an exit with 1: a mismatch.
    """

    @wraps(function)
    def carry_out(*given: object, **named: object) -> None:
        try:
            function(*given, **named)
        except SystemExit as error:
            raise EvaluationError(f"user code wanted to exit with {error.code!r}") from error
        except KeyboardInterrupt as error:
            raise InterruptedRunError(error) from error

    app.command()(carry_out)


@app.callback()
def options(
    in_process: Annotated[
        bool,
        typer.Option(IN_PROCESS, help="Run in this very process, unguarded: for a debugger."),
    ] = False,
) -> None:
    """What stands in front of a command; `main` has taken it by then."""


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


Chance = Annotated[
    float,
    typer.Option(
        "--false-alarm",
        metavar="CHANCE",
        min=0,
        max=MOST_CHANCE,
        help="The chance that correct code is called wrong somewhere in the whole run, where "
        "rounding errors are taken as random.",
    ),
]
Proven = Annotated[
    bool, typer.Option("--proven", help="Judge by worst cases alone, which no chance enters.")
]


@command
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
    false_alarm: Chance = FALSE_ALARM,
    proven: Proven = False,
) -> None:
    """Compare every pairing with its twins, element by element."""
    paths = paths or [Path("comparisons")]
    check_references(reference)
    from backproof.comparison.run import Workers

    root = root_of(paths)
    with (
        watched.doing("working on it", again=True),
        Workers(reference or likely(paths), dtype, root, limit=time_limit) as workers,
    ):
        chance = 0.0 if proven else false_alarm
        raise typer.Exit(
            run_verify(paths, report, only, reference, workers, certified, limit, chance)
        )


def run_verify(
    paths: list[Path],
    report: Path | None,
    only: list[str] | None,
    reference: list[str] | None,
    workers: Workers,
    certified: bool,
    limit: float,
    chance: float,
) -> int:
    """Load, run, judge, show and write; returns the exit status."""
    import datetime

    from backproof.comparison import run
    from backproof.comparison.pairing import pairing
    from backproof.reports.environment import environment

    pairings, broken = ready(paths, report, only, reference, workers)
    today = datetime.date.today()
    judged: list[Judged] = []
    known = len(broken)
    try:
        with progress() as bar:
            task = bar.add_task("", total=len(pairings))
            for each in run.verify(
                pairings,
                workers,
                today,
                lambda stage: bar.update(task, description=stage),
                certified=certified,
                chance=chance / max(1, len(pairings)),
            ):
                bar.advance(task)
                if isinstance(each, pairing.Broken):
                    broken.append(each)
                else:
                    judged.append(each)
    except KeyboardInterrupt:
        for worker in workers.every():
            worker.kill()
        if judged:  # else a former report is worth more
            left = len(pairings) - len(judged) - len(broken) + known
            broken.append(pairing.Broken("", f"interrupted: {left} not judged", ended=True))
            finish(
                judged, broken, environment(workers.dtype, workers.versions()), today, report, limit
            )
        raise
    versions = workers.versions() if pairings else {}  # else no framework was waited for
    return finish(judged, broken, environment(workers.dtype, versions), today, report, limit)


@command
def replay(
    folder: Annotated[Path, typer.Argument(help="A folder that verify has written its report to.")],
    report: Report = None,
    certified: Certified = True,
    limit: Limit = MEGABYTES,
    proven: Proven = False,
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
    if proven:
        for record in known.records:
            record.chance = 0.0
    judged = list(judge_again(known.records, today, certified=certified))
    raise typer.Exit(finish(judged, [], known.environment, today, report, limit, known.notes))


command(fuzz)
command(calibrate)
command(faults)
command(init)
command(explain)
command(reproduce)


def finish(
    judged: list[Judged],
    broken: list[Broken],
    environment: dict[str, object],
    today: datetime.date,
    folder: Path | None,
    limit: float,
    notes: list[str] | None = None,
) -> int:
    """Write and show the report; returns the exit status that follows from it.

    It is written first: a screen may fail, or be closed by who has seen enough.
    """
    from backproof.comparison.pairing.pairing import all_ended
    from backproof.reports.report import Report as Judgement
    from backproof.reports.terminal import show

    report = Judgement.of(judged, environment, today)
    report.notes += [*(notes or ()), *(each.note for each in broken)]
    unwritten: UsageError | None = None
    if folder is not None:
        try:
            with watched.doing(f"writing the report in {folder}"):
                report.write(folder, evaluations_limit=limit * BYTES)
        except UsageError as error:
            unwritten = error
    show(report, console)
    if unwritten is not None:
        if report.exit_status != MISMATCH:
            raise unwritten
        tell(unwritten)
    elif folder is not None:
        console.print(for_terminal(f"Report: {folder / 'report.md'}"), highlight=False)
    if report.exit_status == WRONG_USAGE and broken and not notes and all_ended(broken):
        return NO_VERDICT
    return report.exit_status


def main() -> None:
    """The entry point: the work is done in a child, and the exit status is what that one tells."""
    one_thread()
    guard_outputs()
    if IN_PROCESS in sys.argv:
        sys.argv.remove(IN_PROCESS)
    elif (status := guard.guarded()) is not None:
        sys.exit(status)
    with processes.kept_alive():
        status = carried_out()
    guard.flush()
    close_outputs()
    watched.tell(verdict=status)
    sys.exit(status)


def carried_out() -> int:
    """The exit status; a user's mistake becomes a message, a fault of our own a traceback."""
    try:
        app()
    except SystemExit as error:  # Typer's, as each command's own end
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except UsageError as error:
        tell(error)
        return WRONG_USAGE
    except EvaluationError as error:
        tell(error)
        return NO_VERDICT
    except InterruptedRunError as error:
        tell(error)
        return error.status
    except KeyboardInterrupt as error:
        return watched.status_of(error)
    except Exception:  # whatever is left is a fault of backproof, and must not look like a verdict
        sys.stderr.write(printable(traceback.format_exc()))
        sys.stderr.write("This is a fault of backproof itself; please report it.\n")
        return OWN_FAULT
    return 0
