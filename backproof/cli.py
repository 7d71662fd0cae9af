"""The command line: ``backproof verify``, ``replay``, ``reproduce`` and the rest.

Exit status 0: everything matches. 1: a mismatch. Else 2: wrong usage, or a pairing that cannot be
loaded. Else 3: something undecided or in error. 70: a fault of backproof itself. Heavy imports
stand inside the functions, so that the workers are started first.
"""

from __future__ import annotations

import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from backproof.commands.explain import explain
from backproof.commands.faults import faults
from backproof.commands.init import init
from backproof.commands.reproduce import reproduce
from backproof.errors import UsageError
from backproof.threads import one_thread

if TYPE_CHECKING:
    import datetime

    from backproof.pairing import Broken, Pairing
    from backproof.runs import Judged, Workers

MISMATCH = 1
WRONG_USAGE = 2
OWN_FAULT = 70

app = typer.Typer(
    help="Prove hand-written backpropagation against Keras and PyTorch, within derived bounds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console()


class DType(StrEnum):
    """The dtypes a run can be made in; in half precision a subject is given float32 arrays."""

    float64 = "float64"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


Report = Annotated[
    Path | None, typer.Option("--report", metavar="DIR", help="Write the reports there.")
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
) -> None:
    """Compare every pairing with its twins, element by element."""
    paths = paths or [Path("comparisons")]
    check_references(reference)
    from backproof.runs import Workers

    root = root_of(paths)
    with Workers(reference or likely(paths), dtype, root, limit=time_limit) as workers:
        raise typer.Exit(run_verify(paths, report, only, reference, workers, certified))


def check_references(asked: list[str] | None) -> None:
    """Refuse a reference that there is no framework for."""
    from backproof.frameworks import names

    unknown = set(asked or ()) - set(names())
    if unknown:
        raise UsageError(f"no reference {sorted(unknown)[0]!r}; there are {', '.join(names())}")


def likely(paths: list[Path]) -> list[str]:
    """The frameworks that the pairing files seem to want, by their text alone.

    They take longest to import, so they are started before the files are executed, which then says
    what is missing. A pairing that names no references is compared with the usual two.
    """
    from backproof.pairing import files

    texts = [path.read_text(errors="replace") for path in files(paths)]
    return [
        name
        for name in ("keras", "torch")
        if any(f'"{name}"' in text or "references" not in text for text in texts)
    ]


def root_of(paths: list[Path]) -> Path:
    """The one project that all paths lie in."""
    from backproof.pairing import project_root

    roots = {project_root(path) for path in paths}
    if len(roots) > 1:
        raise UsageError(
            f"the paths lie in several projects ({', '.join(sorted(map(str, roots)))}): "
            "verify one at a time"
        )
    return roots.pop()


def ready(
    paths: list[Path],
    report: Path | None,
    only: list[str] | None,
    reference: list[str] | None,
    workers: Workers,
) -> tuple[list[Pairing], list[Broken]]:
    """The pairings asked for, with their references started, and what could not be loaded."""
    from backproof import pairing

    if report is not None:
        from backproof.reports.report import check_writable

        check_writable(report)
    pairings, broken = pairing.load_all(paths)
    pairings = chosen(pairings, only)
    if not pairings and not broken:
        raise UsageError(f"no pairings in {', '.join(map(str, paths))}: define one with Pairing(…)")
    if reference:
        pairings = [each.against(reference) for each in pairings]
    for name in sorted({name for each in pairings for name in each.references}):
        workers.start(name)
    return pairings, broken


def run_verify(
    paths: list[Path],
    report: Path | None,
    only: list[str] | None,
    reference: list[str] | None,
    workers: Workers,
    certified: bool,
) -> int:
    """Load, run, judge, show and write; returns the exit status."""
    import datetime

    from backproof import pairing, runs
    from backproof.reports.environment import environment

    pairings, broken = ready(paths, report, only, reference, workers)
    today = datetime.date.today()
    judged: list[Judged] = []
    with progress() as bar:
        task = bar.add_task("", total=len(pairings))
        for each in runs.verify(
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
    return finish(judged, broken, environment(workers.dtype, workers.versions()), today, report)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="A folder that verify has written its report to.")],
    report: Report = None,
    certified: Certified = True,
) -> None:
    """Judge the evaluations of a former run again, without running anything."""
    import datetime
    import json

    from backproof.record import load_all
    from backproof.runs import judge_again

    if report is not None:
        from backproof.reports.report import check_writable

        check_writable(report)
    records = load_all(folder)
    known = folder / "environment.json"
    environment = json.loads(known.read_text()) if known.exists() else {}
    today = datetime.date.today()
    judged = list(judge_again(records, today, certified=certified))
    raise typer.Exit(finish(judged, [], environment, today, report))


@app.command()
def fuzz(
    cases: Annotated[int, typer.Option(min=1, help="How many random networks.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed draws the same networks.")] = 0,
    reference: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A reference; repeatable.")
    ] = None,
    dtype: Annotated[DType, typer.Option(help="The precision.")] = DType.float64,
    save: Annotated[
        Path, typer.Option(metavar="DIR", help="Write a case that fails there.")
    ] = Path("reports/fuzz"),
) -> None:
    """Compare random networks with the references: no correct one may be called wrong."""
    from backproof.runs import Workers

    with Workers(reference or ("keras", "torch"), dtype, Path.cwd()) as workers:
        try:
            from backproof import fuzzing
        except ModuleNotFoundError as error:
            raise UsageError(f"{error}; install it with: pip install 'backproof[fuzz]'") from error

        with progress() as bar:
            task = bar.add_task(f"{dtype}", total=cases)
            tally, failed, why = fuzzing.fuzz(workers, cases, seed, lambda _: bar.advance(task))
    if failed is not None:
        path = fuzzing.write_case(failed, save, workers.by_name)
        console.print(f"[bold red]{why}[/]", highlight=False, soft_wrap=True)
        option = "" if dtype is DType.float64 else f" --dtype {dtype}"
        again = f"backproof verify {path}{option}"
        console.print(f"Shrunk to {path}; judge it with: {again}", highlight=False, soft_wrap=True)
    console.print(tally.line(), highlight=False, soft_wrap=True)
    raise typer.Exit(tally.exit_status)


@app.command()
def calibrate(
    reference: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A framework; repeatable.")
    ] = None,
    dtype: Annotated[list[DType] | None, typer.Option(help="A precision; repeatable.")] = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the tables there, as CSV, or renew those."),
    ] = None,
) -> None:
    """Measure how many ulps functions err, and what half-precision operations compute in.

    Exit status 1 if something errs by more than any rule grants.
    """
    from backproof import calibration
    from backproof.precisions import renewed
    from backproof.reports.report import write_whole

    found = calibration.calibrate(
        reference or ["torch", "keras", "jax"],
        list(dtype or DType),
        Path.cwd(),
        lambda stage: progress_line(stage),
    )
    for name, text in found.to_csv().items():
        if write is not None:
            write.mkdir(parents=True, exist_ok=True)
            path = write / name
            write_whole(path, renewed(path.read_text(), text) if path.exists() else text)
        console.print(text, end="", highlight=False, soft_wrap=True)
    uncovered = [each for each in found.precisions if each.used > 1]
    for each in uncovered:
        progress_line(
            f"{each.implementation} {each.mode} {each.dtype} {each.operation}: "
            f"{each.used:.3g} times what its rule grants"
        )
    raise typer.Exit(MISMATCH if uncovered else 0)


app.command()(faults)
app.command()(init)
app.command()(explain)
app.command()(reproduce)


def progress_line(stage: str) -> None:
    """What is being measured, on standard error."""
    Console(stderr=True).print(stage, highlight=False)


def chosen(pairings: list[Pairing], only: list[str] | None) -> list[Pairing]:
    """The pairings that were asked for; a name that is none of them is an error."""
    import difflib

    names = [each.name for each in pairings]
    for name in only or ():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise UsageError(
                f"no pairing {name!r}; "
                + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}")
            )
    return [each for each in pairings if not only or each.name in only]


def finish(
    judged: list[Judged],
    broken: list[Broken],
    environment: dict[str, object],
    today: datetime.date,
    folder: Path | None,
) -> int:
    """Show and write the report; returns the exit status that follows from it."""
    from backproof.reports.report import Report as Judgement
    from backproof.reports.terminal import show

    report = Judgement.of(judged, environment, today)
    report.notes += [f"not loaded: {each.reason}" for each in broken]
    show(report, console)  # before anything is written, so that the verdict is not lost with it
    if folder is not None:
        try:
            report.write(folder)
        except UsageError:
            if report.exit_status != MISMATCH:
                raise
            traceback.print_exc()
        else:
            console.print(f"Report: {folder / 'report.md'}", highlight=False)
    return report.exit_status


def progress() -> Progress:
    """A bar on a terminal, silent otherwise; standard output is the result's alone."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def main() -> None:
    """The entry point: a user's mistake becomes a message, a fault of our own a traceback."""
    one_thread()
    try:
        app()
    except UsageError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(WRONG_USAGE)
    except Exception:  # whatever is left is a fault of backproof, and must not look like a verdict
        traceback.print_exc()
        sys.stderr.write("This is a fault of backproof itself; please report it.\n")
        sys.exit(OWN_FAULT)
