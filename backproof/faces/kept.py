"""The processes of the references that are kept for the next call, and a run with them."""

from __future__ import annotations

import atexit
import datetime
import os
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path

from backproof.comparison import run
from backproof.comparison.pairing.pairing import Broken, Pairing
from backproof.comparison.record import DEFINITION
from backproof.faces import notebook
from backproof.mathematics.errors import UsageError
from backproof.reports.environment import environment
from backproof.reports.report import Report

_kept: dict[tuple[int, Path, str], run.Workers] = {}
_one_at_a_time = threading.Lock()


def report_of(
    pairing: Pairing,
    dtype: str,
    folder: Path,
    *,
    time_limit: float,
    certified: bool,
    chance: float,
    seed: int | None = None,
) -> Report:
    """Run one pairing with the processes that are kept, and judge it."""
    today = datetime.date.today()
    with _one_at_a_time:
        workers = kept_workers(pairing.references, dtype, folder.resolve(), time_limit)
        with warnings.catch_warnings(), notebook.stages() as on_stage:
            # An overflow that is harmless to the subject is shown, as ever; but no filter of a test
            # session may make an error of it: the verdict is the same wherever it is asked for.
            warnings.simplefilter("default")
            (judged,) = run.verify(
                [pairing],
                workers,
                today,
                on_stage,
                certified=certified,
                chance=chance,
                seed=seed,
            )
        if isinstance(judged, Broken):
            raise UsageError(judged.reason)
        return Report.of([judged], environment(dtype, workers.versions()), today)


def kept_workers(references: Iterable[str], dtype: str, root: Path, limit: float) -> run.Workers:
    """The workers of a former call, those that are missing or lost started anew.

    A process that was forked off has none: the pipes are its parent's.
    """
    key = (os.getpid(), root, dtype)
    workers = _kept.setdefault(key, run.Workers((), dtype, root))
    workers.limit = limit
    for name in references:
        if name == DEFINITION:
            continue
        worker = workers.by_name.get(name)
        if worker is not None and worker.lost is not None:
            workers.restart(name)
        workers.start(name)
        workers.by_name[name].limit = limit
    return workers


@atexit.register
def end_workers() -> None:
    """End every reference's process that was kept; the next call starts new ones."""
    for key in [key for key in _kept if key[0] == os.getpid()]:
        _kept.pop(key).__exit__()
