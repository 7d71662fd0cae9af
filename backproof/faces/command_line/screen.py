"""Screen: where a command writes its result, and what it shows while it works.

A result is not lost with the screen that was to show it: whatever standard output and standard
error do, a broken pipe, a full disk, a locale without our letters, the command goes on, and its
exit status is that of its verdict.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TimeElapsedColumn,
)
from rich.text import Text

from backproof.faces.guard import WRONG_USAGE
from backproof.implementations.host.processes import out_of_the_way
from backproof.reports.harmless import for_terminal, one_line, paragraph

NARROWEST = 20
"""Columns that a word of ours may take."""
_reported = False
"""Whether the result stands in files, too."""


class Output(io.RawIOBase):
    """A stream of the process that can always be written to; what cannot be, is noted."""

    def __init__(self, descriptor: int) -> None:
        self.number = descriptor
        self.descriptor = out_of_the_way(descriptor)  # user code may close the usual ones
        self.lost: OSError | None = None

    def write(self, content: bytes) -> int:  # type: ignore[override]
        """All of it, or nothing more once something was lost."""
        left = memoryview(content)
        while self.lost is None and left:
            try:
                left = left[os.write(self.descriptor, left) :]
            except OSError as error:
                self.lost = error
        return len(content)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.number

    def isatty(self) -> bool:
        try:
            return os.isatty(self.descriptor)
        except OSError:
            return False


class Screen(io.TextIOWrapper):
    """Text over an `Output`, which user code cannot close."""

    def close(self) -> None:
        with contextlib.suppress(ValueError):  # closed from below
            self.flush()


def guard_outputs() -> None:
    """Have this process write to standard output and standard error as `Output`.

    Where one is closed, whatever is opened next would take its number and be written to by whoever
    means the screen; it is kept free.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stdout is sys.__stdout__:  # else somebody reads along, who guards it
        sys.stdout = guarded(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = guarded(sys.stderr, 2)


def guarded(stream: IO[str] | None, descriptor: int) -> Any:
    """The stream over an `Output`; what its encoding lacks is written out, in backslashes."""
    if stream is not None and stream.isatty() and sys.platform == "win32":
        return stream  # its terminal takes no bytes
    buffer: Any = io.BufferedWriter(Output(descriptor))
    return Screen(
        buffer,
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )


def close_outputs(status: int) -> int:
    """The exit status, where it would have been ``status``: 0 is not said of a result that is lost.

    It is lost where standard output could not be written, and no report was: that is told, where
    it can be. Who has closed it, or has read enough of it, wants no more.
    """
    sys.stdout.flush()
    lost = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "lost", None)
    if lost is not None and lost.errno not in (errno.EPIPE, errno.EBADF):
        where = "; the report is whole" if _reported else ": write it to where there is room"
        tell(f"standard output cannot be written ({lost.strerror}){where}")
        status = status or (0 if _reported else WRONG_USAGE)
    sys.stderr.flush()
    return status


def show_written(path: Path) -> None:
    """Say where the result was written: it is not lost with the screen then."""
    global _reported
    _reported = True
    console.print(for_terminal(f"Report: {path}"), highlight=False)


def environ() -> dict[str, str]:
    """The variables that Rich reads.

    A terminal of 0 columns is one that does not know its size; one of very few breaks lines itself.
    """
    known = dict(os.environ)
    columns = known.pop("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        known["COLUMNS"] = str(max(int(columns), NARROWEST))
    return known


console = Console(emoji=False, _environ=environ())


class Stage(ProgressColumn):
    """What is being done, in words that may hold anybody's names."""

    def render(self, task: Task) -> Text:
        return Text(one_line(task.description))


def progress() -> Progress:
    """A bar on a terminal, silent otherwise; standard output is the result's alone."""
    console = Console(stderr=True, emoji=False, _environ=environ())
    return Progress(
        SpinnerColumn(),
        Stage(),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def progress_line(stage: str) -> None:
    """What is being measured, on standard error."""
    Console(stderr=True, emoji=False, _environ=environ()).print(
        for_terminal(stage), highlight=False
    )


def tell(error: object) -> None:
    """What went wrong, on standard error, while the rest goes on."""
    Console(stderr=True, emoji=False, _environ=environ()).print(
        f"[bold red]error:[/] {paragraph(error)}", highlight=False, soft_wrap=True
    )
