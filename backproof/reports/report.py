"""The report of a run: its records and rows, what they come to, and how they are written."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backproof.comparison.judging.rows import Grade, Row, Status, exit_status
from backproof.comparison.judging.verdicts import errors
from backproof.comparison.record import LIMIT, archive
from backproof.comparison.record.archive import EVALUATIONS
from backproof.comparison.record.limit import limited
from backproof.comparison.run import Judged
from backproof.implementations.host import watched
from backproof.implementations.host.files import (
    check_writable,
    draft,
    put_in_place,
    reason,
    write_whole,
)
from backproof.mathematics.checking import came
from backproof.mathematics.errors import EvaluationError, UsageError, told
from backproof.reports import changes, summary
from backproof.reports.findings import Findings
from backproof.reports.formats import FORMATS, Format

if TYPE_CHECKING:
    import pandas as pd

# Bytes of a table of the former report: 400,000 rows.
MOST_COMPARED = 100_000_000
SORTED_BY = ("pairing", "reference", "quantity", "tensor", "point", "step")


class Report(Findings):
    """The findings of a run with their verdict, and how they are shown and written."""

    @classmethod
    def of(
        cls, judged: Iterable[Judged], environment: dict[str, Any], today: datetime.date
    ) -> Report:
        """The report of judged records, its rows sorted."""
        every = sorted(judged, key=lambda each: each.record.pairing)
        rows = [row for each in every for row in each.rows]
        rows.sort(key=lambda row: tuple(getattr(row, column) for column in SORTED_BY))
        records = [each.record for each in every]
        left_out = {record.pairing: record.left_out for record in records if record.left_out}
        return cls(records, rows, environment, today, left_out=left_out)

    @property
    def status(self) -> Status:
        """The worst of all; ERROR also if a pairing was not loaded, or compared with nothing."""
        return summary.verdict(self)

    @property
    def grade(self) -> Grade | None:
        """Proven, if every comparison was judged by the worst case; None if none was judged."""
        grades = {row.grade for row in self.rows if row.grade}
        return Grade.STATISTICAL if Grade.STATISTICAL in grades else next(iter(grades), None)

    @property
    def passed(self) -> bool:
        """Whether every comparison passes, and there is one."""
        return self.exit_status == 0

    def assert_match(self) -> None:
        """For a test: raise an AssertionError that says why, unless the report passes."""
        __tracebackhide__ = True  # pytest then points at the test
        if not self.passed:
            from backproof.reports.terminal import as_text

            raise AssertionError(f"{self.status}: {self.cause}\n\n{as_text(self)}")

    def __repr__(self) -> str:
        """The verdict, not the tables: a notebook shows it at the end of a cell."""
        return f"<Report {self.status}: {summary.sentence(self)}>"

    def _repr_markdown_(self) -> str:
        """What a notebook shows of it: the verdict, and what does not match."""
        verdict, _, _ = self.to_markdown().partition("\n## Waivers\n")
        return f"{verdict}\nAll of the report: `.write(folder)`, or `.to_markdown()`.\n"

    def _repr_html_(self) -> str:
        """The same where HTML can be shown, with numbers and pictures to unfold."""
        from backproof.reports.page import page

        return page.fragment(self)

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

    def to_json(self) -> dict[str, Any]:
        """The verdict for a machine: see docs/verdict.schema.json."""
        from backproof.reports.verdict import verdict

        return verdict(self)

    def to_markdown(self) -> str:
        """The report for a person."""
        from backproof.reports.formats import report_md

        return report_md.render(self)

    def rendered(self) -> dict[str, str]:
        """Every format's text, by file, but those of one's own that cannot be made."""
        return self.made() | own_texts(self, all_formats())[0]

    def made(self) -> dict[str, str]:
        """The texts of our own formats; a pairing that one cannot be made of becomes an ERROR."""
        try:
            return texts_of(self)
        except Exception:  # one pairing must not cost the others their report
            rows: list[Row] = []
            for record in self.records:
                own = [row for row in self.rows if row.pairing == record.pairing]
                try:
                    texts_of(replace(self, records=[record], rows=own))
                except Exception as error:  # this one is it
                    own = errors(record, f"the report of it cannot be made ({told(error)})")
                rows += own
            texts = texts_of(replace(self, rows=rows))
            self.rows = rows
            return texts

    def write(self, folder: str | Path, *, evaluations_limit: float = LIMIT) -> None:
        """Write every format, and the evaluations: all of them, or the former report stays whole.

        Of the evaluations, those beyond ``evaluations_limit`` bytes are left out where they match.
        Raises `UsageError` if the report cannot be written; and if evaluations cannot be stored, or
        something that is not backproof's own is in the way, when all else is written.
        """
        folder = Path(folder)
        check_writable(folder)
        stored = limited(self.records, self.rows, evaluations_limit)
        self.left_out = {record.pairing: record.left_out for record in stored if record.left_out}
        texts = self.made()
        own, unmade = own_texts(self, all_formats())
        texts |= own
        try:
            with draft(folder) as fresh:
                problems = archive.store(
                    stored, fresh / EVALUATIONS, texts[archive.ENVIRONMENT], self.notes
                )
                last = [each for each in all_formats() if each.compares and each.file in texts]
                for name in sorted(texts.keys() - {each.file for each in last}):
                    write_whole(fresh / name, texts[name])
                self.changes = since(folder, fresh)
                if self.changes is not None:
                    again, more = own_texts(self, last)
                    texts |= {each.file: each.render(self) for each in last if not is_own(each)}
                    texts |= again
                    unmade += more
                for each in last:
                    write_whole(fresh / each.file, texts[each.file])
                problems += [*unmade, *replace_report(fresh, folder)]
        except OSError as error:
            problems = [f"it cannot be written ({reason(error)}), and the former one is as it was"]
        if problems:
            raise UsageError(
                f"the report in {folder} is not complete: {'; '.join(problems)}; "
                "mend that, or name another folder"
            )


def since(folder: Path, fresh: Path) -> changes.Changes | None:
    """What has changed since the report that a folder holds; None if nothing, or it holds none.

    One that cannot be read, or has more rows than are read in a second or two, tells nothing.
    """
    former = folder / changes.TABLE
    if not former.is_file() or former.stat().st_size > MOST_COMPARED:
        return None
    names = (changes.TABLE, changes.ENVIRONMENT)
    if all(same(folder / name, fresh / name) for name in names):
        return None
    try:
        return changes.Changes.between(folder, fresh)
    except UsageError:
        return None  # `backproof compare` says why, to who asks


def same(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes."""
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def texts_of(report: Report) -> dict[str, str]:
    """The text of every format of backproof's own, by the name of its file."""
    return {
        format_.file: format_.render(report) for format_ in all_formats() if not is_own(format_)
    }


def own_texts(report: Report, formats: list[Format]) -> tuple[dict[str, str], list[str]]:
    """The texts of those that are a user's own, by file, and which cannot be made.

    They cost no other.
    """
    texts: dict[str, str] = {}
    unmade: list[str] = []
    taken = {EVALUATIONS, *(each.file for each in all_formats() if not is_own(each))}
    for format_ in filter(is_own, formats):
        what = f"the report format {format_.name}"
        try:
            watched.refuse(what)  # one that has ended a former run
            with watched.doing(f"making {what}", what, watched.TIME_LIMIT):
                text = format_.render(report)
            if not isinstance(text, str):
                raise TypeError(f"render returned {came(text)}; return a str")
            if format_.file in taken or Path(format_.file).name != format_.file:
                raise UsageError(f"its file is {format_.file!r}; give it a file name of its own")
            texts[format_.file] = text
        except EvaluationError as error:
            unmade.append(f"{format_.file} is not made: {error}")
        except BaseException as error:  # a format of one's own is user code
            watched.let_through(error)
            unmade.append(f"{format_.file} is not made, for {what} raised {told(error)}")
    return texts, unmade


def replace_report(fresh: Path, folder: Path) -> list[str]:
    """Put a report that was made in a draft in the place of the former one, all or nothing.

    What backproof has not written, it leaves alone; returns what was in the way.
    """
    made = [path.name for path in sorted(fresh.iterdir()) if path.name != EVALUATIONS]
    made += [f"{EVALUATIONS}/{path.name}" for path in sorted((fresh / EVALUATIONS).iterdir())]
    stored = folder / EVALUATIONS
    former: list[str] = []
    if stored.is_symlink() or (stored.exists() and not stored.is_dir()):
        blocked = {place for place in made if place.startswith(EVALUATIONS)}
        told = [f"{stored} is in the way: it is a link or a file, and nothing behind it is touched"]
    else:
        there = sorted(stored.iterdir()) if stored.exists() else []
        former = [f"{EVALUATIONS}/{path.name}" for path in there if archive.is_ours(path)]
        blocked = {
            place
            for place in made
            if place not in former and is_other(folder / place, fresh / place)
        }
        told = [
            f"{folder / place} is in the way, and backproof has not written it"
            for place in sorted(blocked)
        ]
    places = [place for place in made if place not in blocked]
    put_in_place(fresh, places, [place for place in former if place not in places])
    return told


def is_other(there: Path, made: Path) -> bool:
    """Whether what lies at a place is of another kind than what was made for it."""
    return os.path.lexists(there) and (made.is_dir() or there.is_dir())


def is_own(format_: Format) -> bool:
    """Whether a format is a user's own."""
    return format_.name in FORMATS.entered()


def all_formats() -> list[Format]:
    """All report formats: the files of `formats`, and those of one's own."""
    return [FORMATS.get(name) for name in FORMATS.names()]
