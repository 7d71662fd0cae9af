"""Processes end with the one that started them, as far as the system can see to that."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

LINUX = sys.platform == "linux"
PARENT = "BACKPROOF_PARENT"
"""Set in the environment of a process that is to end with another: that one's id."""
# Options of Linux's prctl (linux/prctl.h), and a right of Windows' OpenProcess (winnt.h).
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SYNCHRONIZE = 0x0010_0000
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
SYSTEM = sys.modules[os.name]
"""The module that `os` has its ``_exit`` from: posix, or nt."""
LEAVE = os._exit
# A number of an open file that is beyond those which code is used to meet.
FAR = 512
# Seconds between two looks at whether a parent is still there, where no signal says so.
INTERVAL = 0.2
# How many times longer than its limit a thread may take that has to wait for others: one of a
# hundred that are all busy for ever would never have had its time.
STRETCHED = 10.0


def started(command: list[str], **how: Any) -> subprocess.Popen[bytes]:
    """Start a process from a thread that lives as long as this one does.

    Linux takes the end of the thread that started a process for the end of its parent.
    """
    how["env"] = {**how.get("env", os.environ), PARENT: str(os.getpid())}

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, **how)
        process.stdin, process.stdout = moved(process.stdin), moved(process.stdout)
        return process

    return starter(os.getpid()).submit(start).result()


@cache
def starter(_: int) -> ThreadPoolExecutor:
    """The thread that starts processes; a process that was forked off has one of its own."""
    return ThreadPoolExecutor(1, thread_name_prefix="starter")


def end_with_parent(parent: int, by: int = KILL) -> None:
    """Have this process ended when its parent ends, however busy it is then.

    Linux sends the signal ``by``; elsewhere a thread looks, and ends this process.
    """
    if LINUX:
        control(PR_SET_PDEATHSIG, by)
        if os.getppid() != parent:  # it had ended before this was asked for
            os.kill(os.getpid(), by)
        return
    threading.Thread(target=outlive, args=(parent,), daemon=True).start()


def outlive(parent: int) -> None:
    """Wait until a parent has ended, and leave."""
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(SYNCHRONIZE, False, parent)
        ctypes.windll.kernel32.WaitForSingleObject(handle, -1)
    else:
        while os.getppid() == parent:
            time.sleep(INTERVAL)
    LEAVE(1)


@contextmanager
def kept_alive() -> Iterator[None]:
    """os._exit in user code, or a thread of it, would end this process and say that all is well."""
    leave, ours = os._exit, os.getpid()

    def refused(status: int) -> NoReturn:
        if os.getpid() != ours:  # a child that was forked off may leave
            leave(status)
        raise SystemExit(status)

    os._exit = SYSTEM._exit = refused  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if os.getpid() != ours:  # user code has forked, and the child would do all of this again
            leave(0)
        os._exit = SYSTEM._exit = leave  # type: ignore[attr-defined]


def adopt() -> None:
    """On Linux, become the parent of all descendants whose own parent ends, so as to find them."""
    if LINUX:
        control(PR_SET_CHILD_SUBREAPER, 1)


def out_of_the_way(descriptor: int) -> int:
    """The same open file under a number that no code closes that closes "all" of the first few.

    The descriptor itself stays; where there are no numbers so high, it is all there is.
    """
    try:
        import fcntl

        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FAR)
    except (ModuleNotFoundError, OSError):
        return descriptor


def moved(stream: IO[bytes] | None) -> IO[bytes] | None:
    """A stream of one's own under such a number; the usual one is free again."""
    if stream is None or (number := out_of_the_way(stream.fileno())) == stream.fileno():
        return stream
    with stream:
        return os.fdopen(number, "rb" if stream.readable() else "wb")


def control(option: int, value: int) -> None:
    """Linux's prctl; a system that refuses it leaves all as it was."""
    import ctypes

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs, as Linux tells; elsewhere none."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat") if LINUX else ():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        mine = children.get(waiting.pop(), [])
        found += mine
        waiting += mine
    return found


class Patience:
    """A time limit, counted in the time that the machine gives to a thread of a process.

    Linux tells how long a thread would have run and had to wait for others; elsewhere, and for all
    that a thread waits for by itself, it is the time of the clock. ``thread``: its number, by
    default that of the process's first. So no verdict depends on what else the machine does.
    """

    def __init__(self, limit: float, pid: int, thread: int | None = None) -> None:
        self.limit = limit
        self.begun = time.monotonic()
        self._told = Path(f"/proc/{pid}/task/{thread or pid}/schedstat")
        self._before = self._waited()

    def _waited(self) -> float:
        """The seconds that the thread has had to wait for others since it began."""
        try:
            return int(self._told.read_text().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):  # no Linux, or the thread has ended
            return 0.0

    def left(self) -> float:
        """The seconds that are left; a limit is never stretched beyond `STRETCHED` times."""
        waited = max(self._waited() - self._before, 0.0)
        return min(self.limit + waited, STRETCHED * self.limit) - (time.monotonic() - self.begun)


def end_all(pid: int, *, itself: bool = True) -> None:
    """Kill a process with its group and all its descendants, in whichever session they are."""
    every = [*descendants(pid), *([pid] if itself else [])]
    if itself:
        end_group(pid)
    for each in every:
        quietly(lambda each=each: os.kill(each, KILL))  # type: ignore[misc]


def end_group(pid: int) -> None:
    """Kill all that are left of the group that a process leads, or has led."""
    quietly(lambda: os.killpg(pid, KILL))


def quietly(send: Callable[[], object]) -> None:
    """Send a signal to who may have ended meanwhile, or never led a group."""
    with contextlib.suppress(OSError, AttributeError):  # Windows has no groups
        send()


def describe_exit(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended by itself with status {status}"
