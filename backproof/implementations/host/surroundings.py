"""What user code may change of the process that it runs in, and what is put back after it.

All of it is everybody's: a standard stream that is replaced would lose the result, a limit of
recursion too low for ours, a hook that raises, every thread.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_home: Path | None = None


@contextmanager
def put_back(*, output: bool = True) -> Iterator[None]:
    """Streams, hooks and limits are afterwards as they were before.

    ``output``: standard output too; else somebody sees to it who knows which calls overlap.
    """
    streams = sys.stdout, sys.stderr
    path, limit = sys.path, sys.getrecursionlimit()
    hooks = sys.excepthook, threading.excepthook
    tracing = sys.gettrace(), threading.gettrace(), sys.getprofile(), threading.getprofile()
    try:
        yield
    finally:
        sys.settrace(tracing[0])
        threading.settrace(tracing[1])
        sys.setprofile(tracing[2])
        threading.setprofile(tracing[3])
        sys.stderr = streams[1]
        if output:
            sys.stdout = streams[0]
        sys.path = path
        if sys.getrecursionlimit() < limit:
            sys.setrecursionlimit(limit)
        sys.excepthook, threading.excepthook = hooks


def note_home() -> None:
    """This folder is where a relative path of the command line begins."""
    global _home
    with contextlib.suppress(OSError):  # it may have been removed
        _home = Path.cwd()


def go_home() -> None:
    """Be in that folder again: user code may have gone elsewhere.

    What would have gone off while a report is written, is called off.
    """
    if _home is None:
        return
    with contextlib.suppress(OSError):
        os.chdir(_home)
    faulthandler.cancel_dump_traceback_later()
    if sys.platform != "win32":
        signal.alarm(0)
        for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
