"""``backproof replay``: a stored run, judged again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backproof.faces.command_line.finish import finish
from backproof.faces.command_line.options import (
    MEGABYTES,
    Certified,
    Form,
    Limit,
    Proven,
    Quiet,
    Report,
    Shown,
    Verbose,
    detail,
)
from backproof.implementations.host import watched


def replay(
    folder: Annotated[Path, typer.Argument(help="A folder that verify has written its report to.")],
    report: Report = None,
    certified: Certified = True,
    limit: Limit = MEGABYTES,
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds that parts of your own may take at a point.")
    ] = 300.0,
    proven: Proven = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    form: Form = Shown.text,
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
    shown = detail(quiet, verbose)
    with watched.doing("working on it", again=True):
        known = archive.load(folder, time_limit)
        today = datetime.date.today()
        if proven:
            for record in known.records:
                record.chance = 0.0
        judged = list(judge_again(known.records, today, certified=certified, limit=time_limit))
        raise typer.Exit(
            finish(judged, [], known.environment, today, report, limit, known.notes, shown, form)
        )
