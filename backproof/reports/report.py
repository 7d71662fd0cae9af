"""The report of a run: its records and rows, what they come to, and how they are written."""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backproof.comparison.judging.rows import Row, Status, exit_status
from backproof.comparison.record.record import Record
from backproof.comparison.run import Judged
from backproof.mathematics.errors import UsageError
from backproof.reports import summary
from backproof.reports.formats import FORMATS, Format, evaluations

if TYPE_CHECKING:
    import pandas as pd

SORTED_BY = ("pairing", "reference", "quantity", "tensor", "point", "step")


@dataclass(eq=False, repr=False)
class Report:
    """Everything that was computed and judged in a run.

    ``notes`` name what was asked for and could not even be started, such as a pairing file with an
    error: with a note, a report is no match.
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
        """The worst of all; ERROR also if a pairing was not loaded, or compared with nothing."""
        found = {duel.verdict for duel in summary.duels(self)}
        if self.notes or not found:
            found.add(Status.ERROR)
        return next(status for status in summary.WORST_FIRST if status in found)

    @property
    def passed(self) -> bool:
        """Whether every comparison passes, and there is one."""
        return self.exit_status == 0

    def __repr__(self) -> str:
        """The verdict, not the tables: a notebook shows it at the end of a cell."""
        return f"<Report {self.status}: {summary.sentence(self)}>"

    def _repr_markdown_(self) -> str:
        """What a notebook shows of it: the verdict, and what does not match."""
        verdict, _, _ = self.to_markdown().partition("\n## Waivers\n")
        return f"{verdict}\nAll of the report: `.write(folder)`, or `.to_markdown()`.\n"

    @property
    def exit_status(self) -> int:
        """1: a mismatch. Else 2: something not loaded. Else 3: undecided or in error. Else 0."""
        by_rows = exit_status([duel.verdict for duel in summary.duels(self)])
        return 2 if self.notes and by_rows != 1 else by_rows

    @property
    def cause(self) -> str:
        """Why the report has its status: the cause, or the detail, of the first row that has it."""
        if self.status is Status.MATCH:
            return ""
        worst = [
            failure.worst
            for duel in summary.duels(self)
            for failure in summary.failures(self, duel)
            if failure.status is self.status
        ]
        told = next((row.cause or row.detail for row in worst if row.cause or row.detail), "")
        return told or next(iter(self.notes), summary.sentence(self))

    @property
    def comparisons(self) -> list[Row]:
        """All rows."""
        return self.rows

    def to_frame(self) -> pd.DataFrame:
        """All rows as a pandas table."""
        from backproof.comparison.judging.rows import frame

        return frame(self.rows)

    def to_markdown(self) -> str:
        """The report for a person."""
        from backproof.reports.formats import report_md

        return report_md.render(self)

    def write(self, folder: str | Path) -> None:
        """Write every format, and the evaluations; each file, and they, whole or not at all.

        Everything is made before the first file is replaced: what cannot be made, harms nothing.
        Raises `UsageError` if something cannot be written or stored; all else is written then.
        """
        folder = Path(folder)
        check_writable(folder)
        texts = {format_.file: format_.render(self) for format_ in all_formats()}
        problems: list[str] = []
        try:
            with tempfile.TemporaryDirectory(dir=folder, prefix=".evaluations-") as scratch:
                problems += evaluations.store(self.records, folder / "evaluations", Path(scratch))
        except OSError as error:
            problems.append(evaluations.reason(folder / "evaluations", error))
        for name, text in texts.items():
            try:
                write_whole(folder / name, text)
            except OSError as error:
                problems.append(evaluations.reason(folder / name, error))
        if problems:
            raise UsageError(
                f"the report in {folder} is not complete: {'; '.join(problems)}; "
                "mend that, or name another folder"
            )


def all_formats() -> list[Format]:
    """All report formats: the files of `formats`, and those of one's own."""
    return [FORMATS.get(name) for name in FORMATS.names()]


def check_writable(folder: Path) -> None:
    """Make the folder, or say why it cannot hold a report; before a long run, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"{folder}: no report can be written there ({error.strerror}); "
            "name a folder that can be written"
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
