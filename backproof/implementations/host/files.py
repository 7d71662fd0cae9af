"""Files and folders, written whole or not at all, whatever happens while they are written.

All that is not finished lies in folders and files whose names begin with `UNFINISHED`. What a run
that was killed has left of them, the next one that writes to the same folder removes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from backproof.mathematics.errors import UsageError

UNFINISHED = ".backproof-"
# What the version before called them.
FORMERLY = [
    f".{name}-" + "?" * 8
    for name in ("evaluations", "report.md", "comparisons.csv", "environment.json")
]
# In a draft: what is to be put in place, what was there before, and what is being done.
FRESH, FORMER, JOURNAL = "fresh", "former", "journal.json"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside its place, then move it there: a reader never sees half of it.

    Text is written in UTF-8, its line ends as they are. Raises `OSError`; the former file, if there
    is one, is as it was then.
    """
    content = content.encode() if isinstance(content, str) else content
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=UNFINISHED, delete=False) as file:
        unfinished = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            file.close()  # Windows moves no open file
            unfinished.chmod(0o644)
            unfinished.replace(path)
        except BaseException:
            file.close()
            unfinished.unlink(missing_ok=True)
            raise


def write_together(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write several files of a report, all or none; raises `UsageError` if they cannot be."""
    check_writable(folder)
    try:
        with draft(folder) as fresh:
            for place, content in files.items():
                (fresh / place).parent.mkdir(exist_ok=True)
                write_whole(fresh / place, content)
            put_in_place(fresh, files, ())
    except OSError as error:
        raise UsageError(
            f"the report in {folder} cannot be written ({reason(error)}), and what was there is "
            "as it was; mend that, or name another folder with --report"
        ) from error


def check_writable(folder: Path) -> None:
    """Make the folder, or say why it cannot hold a report; before a long run, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=UNFINISHED):
            pass
    except OSError as error:
        raise UsageError(
            f"{folder}: no report can be written there ({reason(error)}); "
            "name a folder that can be written with --report"
        ) from error


def reason(error: OSError) -> str:
    """Why the system refused."""
    return error.strerror or str(error)


def temporary_file() -> IO[bytes]:
    """A file without a name; a `UsageError` says if none can be made."""
    with somewhere():
        return tempfile.TemporaryFile()


def temporary_folder() -> Path:
    """A new folder, for its caller to remove; a `UsageError` says if none can be made."""
    with somewhere():
        return Path(tempfile.mkdtemp(prefix="backproof-"))


@contextmanager
def somewhere() -> Iterator[None]:
    """A system without a place for temporary files is told what it lacks."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"there is no folder for temporary files ({reason(error)}): "
            "name one that can be written in the variable TMPDIR"
        ) from error


@contextmanager
def draft(folder: Path) -> Iterator[Path]:
    """An empty folder on the same file system, to make things in; gone afterwards.

    Whoever else wants to write to ``folder``, waits until then.
    """
    with alone(folder):
        settle(folder)
        made = Path(tempfile.mkdtemp(dir=folder, prefix=UNFINISHED))
        try:
            (made / FRESH).mkdir()
            yield made / FRESH
        finally:
            if not (made / JOURNAL).exists():  # else what was there before lies in it
                shutil.rmtree(made, ignore_errors=True)


def put_in_place(fresh: Path, places: Iterable[str], gone: Iterable[str]) -> None:
    """Move what a draft holds at ``places`` to the same places of its folder, all or nothing.

    What was there goes, and so does what is at the places ``gone``. Whatever fails, or interrupts
    it, is undone; if the process is killed, `settle` undoes it later.
    """
    made, folder = fresh.parent, fresh.parent.parent
    places, gone = list(places), list(gone)
    write_whole(made / JOURNAL, json.dumps({"places": places, "gone": gone}))
    try:
        for place in [*gone, *places]:
            if os.path.lexists(folder / place):
                move(folder / place, made / FORMER / place)
            if place in places:
                move(fresh / place, folder / place)
    except BaseException:
        undo(made)
        raise
    (made / JOURNAL).unlink()  # from here on the new ones count


def undo(made: Path) -> None:
    """Put everything back to where it was before `put_in_place`, as its journal tells."""
    folder = made.parent
    journal = json.loads((made / JOURNAL).read_text(encoding="utf-8"))
    for place in reversed([*journal["gone"], *journal["places"]]):
        if place in journal["places"] and not os.path.lexists(made / FRESH / place):
            move(folder / place, made / FRESH / place)
        if os.path.lexists(made / FORMER / place):
            move(made / FORMER / place, folder / place)
    (made / JOURNAL).unlink()


def move(source: Path, target: Path) -> None:
    """Rename a file or a folder, into a folder that may have to be made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def settle(folder: Path) -> None:
    """Undo what a run was ended in the middle of, and remove what it has left unfinished.

    Raises `OSError` if the folder cannot be written.
    """
    for left in sorted(folder.glob(f"{UNFINISHED}*")):
        if (left / JOURNAL).exists():
            undo(left)
    for pattern in (f"{UNFINISHED}*", *FORMERLY):
        for left in folder.glob(pattern):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def unsettled(folder: Path) -> bool:
    """Whether a run was ended while it replaced the report in this folder."""
    return any((left / JOURNAL).exists() for left in folder.glob(f"{UNFINISHED}*"))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes that write reports there, where the system can.

    Windows locks no folders: two runs that write to the same one at once are not told apart there.
    """
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
