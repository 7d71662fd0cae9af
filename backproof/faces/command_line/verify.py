"""``backproof verify``: every pairing against its twins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backproof.comparison.record import FALSE_ALARM
from backproof.faces.command_line.finish import finish
from backproof.faces.command_line.options import (
    MEGABYTES,
    Certified,
    Chance,
    Form,
    History,
    Limit,
    Proven,
    Quiet,
    Report,
    Seed,
    Shown,
    Verbose,
    detail,
    seed_of,
)
from backproof.faces.command_line.screen import progress
from backproof.faces.command_line.selection import (
    Precision,
    check_references,
    likely,
    ready,
    root_of,
)
from backproof.implementations import lending
from backproof.implementations.host import watched

if TYPE_CHECKING:
    from backproof.comparison.pairing.pairing import Broken
    from backproof.comparison.run import Judged, Workers
    from backproof.reports.detail import Detail


WATCH = "--watch"


def verify(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Pairing files, or folders of them.", show_default="comparisons"),
    ] = None,
    report: Report = None,
    history: History = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="PAIRING", help="Only this pairing; repeatable.")
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this reference; repeatable.")
    ] = None,
    dtype: Annotated[
        Precision,
        typer.Option(help="The precision of everything; both: float32 beside float64."),
    ] = Precision.float64,
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds a worker may be silent before it is killed.")
    ] = 300.0,
    certified: Certified = True,
    limit: Limit = MEGABYTES,
    false_alarm: Chance = FALSE_ALARM,
    proven: Proven = False,
    seed: Seed = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", "-x", help="Stop after the first pairing that fails.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    form: Form = Shown.text,
    warm: Annotated[
        bool,
        typer.Option("--warm", help="Let a server do it, which keeps frameworks imported (serve)."),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(WATCH, help="Stay, and judge again what each saved file concerns."),
    ] = False,
) -> None:
    """Compare every pairing with its twins, element by element."""
    if warm and not watch and not lending.is_lent() and (status := by_server()) is not None:
        raise typer.Exit(status)
    paths = paths or [Path("comparisons")]
    if watch and not lending.is_lent():
        raise typer.Exit(watched_over(paths, report, context.obj))
    paths = lending.narrowed(paths)
    check_references(reference)
    shown = detail(quiet, verbose)
    from backproof.comparison.run import Workers

    root = root_of(paths)
    both = dtype is Precision.both
    first = Precision.float64 if both else dtype
    with (
        watched.doing("working on it", again=True),
        Workers(reference or likely(paths), first, root, limit=time_limit) as workers,
    ):
        chance = 0.0 if proven else false_alarm
        asked = Asked(
            certified, chance, seed_of(seed), fail_fast, report, limit, shown, form, history, both
        )
        status = run_verify(paths, only, reference, workers, asked)
    raise typer.Exit(status)  # out here: within it, the workers would be killed


def by_server() -> int | None:
    """What the same command comes to in a process that is warm; None where there is none."""
    from backproof.faces.warm.server import ask

    return ask(sys.argv[1:])


def watched_over(paths: list[Path], report: Path | None, run: Callable[[], object]) -> int:
    """The same command again and again, as files change."""
    from backproof.faces.warm.watch import watch

    arguments = [word for word in sys.argv[1:] if word != WATCH]
    return watch(paths, [report] if report else [], arguments, run)


@dataclass(frozen=True)
class Asked:
    """How a run is judged, and what is told of it."""

    certified: bool
    chance: float
    seed: int | None
    fail_fast: bool
    report: Path | None
    limit: float
    detail: Detail
    form: Shown
    history: Path | None
    both: bool = False
    """Whether each pairing is judged in float64 and in float32."""


def run_verify(
    paths: list[Path],
    only: list[str] | None,
    reference: list[str] | None,
    workers: Workers,
    asked: Asked,
) -> int:
    """Load, run, judge, show and write; returns the exit status."""
    import datetime

    from backproof.comparison import run
    from backproof.comparison.pairing import pairing
    from backproof.reports.environment import environment

    pairings, broken = ready(paths, asked.report, only, reference, workers, both=asked.both)
    precision = "float64, float32" if asked.both else workers.dtype
    today = datetime.date.today()
    judged: list[Judged] = []
    known = len(broken)

    def note_left(why: str) -> None:
        """Nobody waits for what is left."""
        for worker in workers.every():
            worker.kill()
        left = len(pairings) - len(judged) - len(broken) + known
        if left:
            broken.append(pairing.Broken("", f"{why}: {left} not judged", ended=True))

    def end(environment: dict[str, object]) -> int:
        return finish(
            judged,
            broken,
            environment,
            today,
            asked.report,
            asked.limit,
            detail=asked.detail,
            form=asked.form,
            history=asked.history,
        )

    try:
        with progress() as bar:
            task = bar.add_task("", total=len(pairings))
            for each in run.verify(
                pairings,
                workers,
                today,
                lambda stage: bar.update(task, description=stage),
                certified=asked.certified,
                chance=asked.chance / max(1, len(pairings)),
                seed=asked.seed,
            ):
                bar.advance(task)
                if isinstance(each, pairing.Broken):
                    broken.append(each)
                else:
                    judged.append(each)
                if asked.fail_fast and failed(each):
                    note_left("stopped after the first that fails")
                    break
    except KeyboardInterrupt:
        if judged:  # else a former report is worth more
            note_left("interrupted")
            end(environment(precision, workers.versions()))
        raise
    versions = workers.versions() if pairings else {}  # else no framework was waited for
    return end(environment(precision, versions))


def failed(each: Judged | Broken) -> bool:
    """Whether one pairing is enough to fail the run."""
    from backproof.comparison.judging.rows import exit_status
    from backproof.comparison.run import Judged

    return not isinstance(each, Judged) or exit_status([row.status for row in each.rows]) != 0
