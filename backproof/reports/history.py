"""The history of a project: one row for each pairing × reference of each run, in a file of SQLite.

What a single report cannot tell: since when something fails, and how strength and the use of the
bounds have moved. Several runs may write to the same file at once.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from backproof.mathematics.errors import UsageError
from backproof.reports import summary
from backproof.reports.findings import Findings

TABLE = "runs"
# Seconds that a run waits for another one that writes: a row takes milliseconds.
PATIENCE = 30.0


@dataclass(frozen=True)
class Entry:
    """What one pairing came to against one reference, in one run."""

    time: str
    """Of its end, in UTC, as in ISO 8601."""
    revision: str
    """As git tells it, with ``-dirty`` where files had been changed since; else nothing."""
    pairing: str
    reference: str
    verdict: str
    counts: str
    """How many comparisons came to what, as JSON."""
    power: float | None
    """The weakest of the gradients on the data: a relative error, so larger is weaker."""
    bound_used: float | None
    """The largest difference ÷ bound."""
    digits: float | None
    """The fewest certified digits that the subject got right."""
    versions: str
    """The same where all that `environment.json` names was the same."""


COLUMNS = [field.name for field in fields(Entry)]


def append(report: Findings, path: Path, commit: str | None = None) -> list[Entry]:
    """Add the run to a history, which may be new; returns all of it, the oldest first.

    Raises `UsageError` where the file is no history, or cannot be written.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    told = head() if commit is None else commit
    new = [astuple(each) for each in entries_of(report, now, told)]
    places = ", ".join("?" * len(COLUMNS))
    with opened(path, path.resolve().as_uri() + "?mode=rwc") as file:
        file.execute("BEGIN IMMEDIATE")  # two runs wait for each other from here on
        file.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} ({', '.join(COLUMNS)})")
        file.executemany(f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({places})", new)
        file.commit()
        return selected(file)


def read(path: Path) -> list[Entry]:
    """All of a history, the oldest first; raises `UsageError` where the file is none."""
    if not path.is_file():
        raise UsageError(f"{path} is no file: `backproof verify --history {path}` makes it")
    with opened(path, path.resolve().as_uri() + "?mode=ro") as file:
        return selected(file)


def selected(file: sqlite3.Connection) -> list[Entry]:
    """The rows in the order in which they were written."""
    rows = file.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY rowid")
    return [Entry(*row) for row in rows]


@contextmanager
def opened(path: Path, address: str) -> Iterator[sqlite3.Connection]:
    """The file, closed at the end; what SQLite says of it becomes a sentence."""
    try:
        with closing(sqlite3.connect(address, timeout=PATIENCE, uri=True)) as file:
            yield file
    except sqlite3.Error as error:
        raise UsageError(
            f"the history {path} cannot be used ({error}): move it away, or name another file"
        ) from error


def entries_of(report: Findings, time: str, commit: str) -> Iterator[Entry]:
    """The rows of a run."""
    known = json.dumps(report.environment, sort_keys=True, default=str)
    versions = hashlib.sha256(known.encode()).hexdigest()[:12]
    for duel in summary.duels(report):
        digits = [row.subject_digits for row in duel.rows if row.subject_digits is not None]
        yield Entry(
            time,
            commit,
            duel.pairing,
            duel.reference,
            str(duel.verdict),
            json.dumps({str(status): count for status, count in sorted(duel.counts.items())}),
            duel.power,
            duel.bound_used,
            min(digits, default=None),
            versions,
        )


def head() -> str:
    """The commit of the current folder; nothing where git is not there, or tells none."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
