"""``backproof faults``: how good the gate is on each pairing."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from backproof.faces.command_line.options import Processes, Scheduler
from backproof.faces.command_line.screen import console, progress, show_written
from backproof.faces.command_line.selection import (
    DType,
    campaign,
    check_references,
    likely,
    root_of,
    selected,
)
from backproof.faces.guard import NO_VERDICT, WRONG_USAGE
from backproof.implementations.host import surroundings
from backproof.reports.harmless import for_terminal, paragraph

if TYPE_CHECKING:
    from backproof.gauging.faults.mutation import Outcome
    from backproof.reports.faults import Gauged

STYLES = {"caught": "green", "equivalent": "yellow", "rounding": "yellow", "escaped": "bold red"}


def faults(
    pairings: Annotated[
        list[str] | None, typer.Argument(metavar="[PAIRING]...", help="Only these pairings.")
    ] = None,
    paths: Annotated[
        list[Path] | None,
        typer.Option("--in", metavar="PATH", help="A pairing file or folder; repeatable."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write faults.md and .csv there.")
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this reference; repeatable.")
    ] = None,
    dtype: Annotated[DType, typer.Option(help="The precision of everything.")] = DType.float64,
    workers: Processes = None,
    dask: Scheduler = None,
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds a worker may be silent before it is killed.")
    ] = 300.0,
) -> None:
    """Plant every fault of the catalogue in each pairing, and see whether the gate catches it.

    Exit status 1: a fault escaped, or a fault-free form was called wrong. Else 2: a pairing that
    cannot be loaded. Else 3: nothing could be measured.
    """
    paths = paths or [Path("comparisons")]
    check_references(reference)
    root = root_of(paths)
    frameworks, spread = reference or likely(paths), workers is not None or dask is not None
    from backproof.comparison.run import Workers

    with ExitStack() as stack:
        own = Workers(() if spread else frameworks, dtype, root, limit=time_limit)
        stack.enter_context(own)
        from backproof.comparison.pairing import pairing
        from backproof.gauging.faults import mutation
        from backproof.gauging.faults.chunks import chunks
        from backproof.reports.faults import Gauged

        loaded, broken = selected(paths, report, pairings, reference, own)
        gauged = Gauged([])
        with progress() as bar:
            task = bar.add_task("", total=len(loaded))
            if spread:
                elsewhere = stack.enter_context(
                    campaign(frameworks, dtype, root, workers, dask, time_limit)
                )
                parts = chunks(paths, [each.name for each in loaded], reference)
                results = elsewhere.carry_out(parts, lambda done: None)
            else:
                own.serve(loaded, suited=False)
                results = mutation.gauge(
                    loaded, own, lambda stage: bar.update(task, description=stage)
                )
            for each in results:
                bar.advance(task)
                if isinstance(each, pairing.Broken):
                    broken.append(each)
                else:
                    gauged.scores.append(each)
        gauged.notes = [each.note for each in broken]
        surroundings.go_home()
        show(gauged, console, every=bool(pairings))
        if report is not None:
            gauged.write(report)
            show_written(report / "faults.md")
    ended = gauged.exit_status == WRONG_USAGE and pairing.all_ended(broken)
    raise typer.Exit(NO_VERDICT if ended else gauged.exit_status)


def show(gauged: Gauged, console: Console, *, every: bool) -> None:
    """The scores; what was not caught, or every fault of the pairings asked for."""
    told = [o for o in gauged.outcomes if every or o.verdict != "caught"]
    for pairing in dict.fromkeys(outcome.pairing for outcome in told):
        console.print(f"[bold]{for_terminal(pairing)}[/]", highlight=False)
        for outcome in told:
            if outcome.pairing == pairing:
                console.print(line(outcome), highlight=False, soft_wrap=True)
        console.print()
    for alarm in gauged.alarms:
        row = alarm.row
        where = f"{row.status} {row.name} against {row.reference} at {row.point}"
        text = for_terminal(f"{alarm.pairing}, {alarm.form}: {where}: {row.detail} {row.cause}")
        console.print(f"[bold red]false alarm[/] {text}", highlight=False)
    console.print(scores(gauged))
    for note in gauged.notes:
        console.print(f"[bold red]{paragraph(note)}[/]", highlight=False)
    style = "green" if gauged.exit_status == 0 else "bold red"
    console.print(f"[{style}]{for_terminal(gauged.sentence)}[/]", highlight=False)


def line(outcome: Outcome) -> str:
    """What became of a planted fault: by which tensor, where, at which power; or why not."""
    row = outcome.row
    why = outcome.reason
    if row is not None:
        where = f"{row.point}, step {row.step}" if row.step else row.point
        power = "" if row.power is None else f", power {row.power:.2g}"
        why = f"{row.name} at {where}{power}"
    verdict = f"[{STYLES[outcome.verdict]}]{outcome.verdict:<10}[/]"
    return f"  {verdict}  {for_terminal(outcome.plant.name)}: {for_terminal(why)}"


def scores(gauged: Gauged) -> Table:
    """One row a pairing."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    within = any(score.count("rounding") for score in gauged.scores)
    verdicts = [verdict for verdict in STYLES if within or verdict != "rounding"]
    names = ("planted", *verdicts, "score", "forms", "false alarms")
    for name in ("pairing", *names):
        table.add_column(name, justify="left" if name == "pairing" else "right")
    for score in gauged.scores:
        table.add_row(
            for_terminal(score.pairing),
            str(len(score.outcomes)),
            *(str(score.count(verdict)) for verdict in verdicts),
            "–" if score.void else f"{score.share:.1%}",
            str(score.forms),
            str(len(score.alarms)),
        )
    return table
