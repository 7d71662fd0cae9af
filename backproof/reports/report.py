"""The report of a run: its records and rows, what they come to, and how they are written."""

from __future__ import annotations

import datetime
import importlib
import os
import pkgutil
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from backproof import reports
from backproof.comparison.rows import Row, Status, exit_status
from backproof.errors import UsageError
from backproof.record import Record
from backproof.runs import Judged

if TYPE_CHECKING:
    import pandas as pd

SORTED_BY = ("pairing", "reference", "quantity", "tensor", "point", "step")


class Format(Protocol):
    """What a file of this package provides to be a report format."""

    FILE: str

    def render(self, report: Report) -> str:
        """The text of the file: a deterministic function of the report."""


@dataclass(eq=False)
class Report:
    """Everything that was computed and judged in a run.

    ``notes`` say what could not even be started, such as a pairing file with an error.
    """

    records: list[Record]
    rows: list[Row]
    environment: dict[str, Any]
    today: datetime.date
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, judged: Iterable[Judged], environment: dict[str, Any], today: datetime.date
    ) -> Report:
        """The report of judged records, its rows sorted."""
        every = sorted(judged, key=lambda each: each.record.pairing)
        rows = [row for each in every for row in each.rows]
        rows.sort(key=lambda row: tuple(getattr(row, column) for column in SORTED_BY))
        return cls([each.record for each in every], rows, environment, today)

    @property
    def status(self) -> Status:
        """The worst of all rows; no rows at all are an ERROR."""
        found = {row.status for row in self.rows}
        order = (Status.MISMATCH, Status.ERROR, Status.UNDECIDED, Status.WAIVED, Status.MATCH)
        return next((status for status in order if status in found), Status.ERROR)

    @property
    def exit_status(self) -> int:
        """0, 1 or 3, by the rows alone."""
        return exit_status([row.status for row in self.rows])

    @property
    def cause(self) -> str:
        """The cause of the first row that has the report's status, or its detail."""
        worst = [row for row in self.rows if row.status is self.status]
        return next((row.cause or row.detail for row in worst if row.cause or row.detail), "")

    @property
    def comparisons(self) -> list[Row]:
        """All rows."""
        return self.rows

    def to_frame(self) -> pd.DataFrame:
        """All rows as a pandas table."""
        from backproof.comparison.rows import frame

        return frame(self.rows)

    def to_markdown(self) -> str:
        """The report for a person."""
        from backproof.reports import report_md

        return report_md.render(self)

    def write(self, folder: Path) -> None:
        """Write every format, and the evaluations; each file, and they, whole or not at all."""
        check_writable(folder)
        for format_ in formats():
            write_whole(folder / format_.FILE, format_.render(self))
        with tempfile.TemporaryDirectory(dir=folder, prefix=".evaluations-") as scratch:
            fresh, former = Path(scratch) / "fresh", Path(scratch) / "former"
            fresh.mkdir()
            for record in self.records:
                record.save(fresh / record.pairing)
            target = folder / "evaluations"
            if target.exists():
                target.rename(former)
            fresh.rename(target)
            shutil.rmtree(former, ignore_errors=True)


def formats() -> list[Format]:
    """All report formats: the files of this package that define FILE and render."""
    modules = [
        importlib.import_module(f"{reports.__name__}.{module.name}")
        for module in pkgutil.iter_modules(reports.__path__)
        if "_" in module.name
    ]
    found: list[Any] = [module for module in modules if hasattr(module, "FILE")]
    return found


def check_writable(folder: Path) -> None:
    """Make the folder, or say why it cannot hold a report; before a long run, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"{folder}: no report can be written there ({error.strerror}); "
            "name a folder that can be written with --report"
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place, then move it there: a reader never sees half of it."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}-", delete=False, encoding="utf-8", newline=""
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
