"""A guard: the command's own process, which only waits for a child that does all the work.

Whatever ends the child before it has said its verdict (C's exit, a crash, the system, a thread that
was left behind) is told by the guard, never by the child's exit status: that may be 0. All is then
run again without the file or pairing that the child was at. What a lost child leaves running is
ended with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Any, Protocol

from backproof.implementations.host import processes, watched
from backproof.implementations.host.processes import Patience

WRONG_USAGE, NO_VERDICT, OWN_FAULT = 2, 3, 70
"""Exit statuses; the second of a run without its verdict, as of one undecided, or in error."""
GUARD = "BACKPROOF_GUARD"
# Seconds beyond a limit, within which the child notices by itself if it can.
GRACE = 2.0
# Seconds that a child may take to end: after a signal, where it may still write what was judged;
# in user code that holds the interpreter, which would not see the signal; after its verdict.
ENDING, HELD, LEAVING = 30.0, 2.0, 10.0
# Seconds between two looks at the child.
INTERVAL = 0.05
# Signals within so many seconds of the last one are the same: a terminal sends it to the guard and
# to the child, and the guard passes it on.
SAME = 1.0
# Stands for a file or pairing, where none is to blame.
AGAIN = "again"
SHOW_CURSOR = "\x1b[?25h"

SIGNALS = [getattr(signal, name) for name in watched.SIGNALS]


class Child(Protocol):
    """A process as `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None: ...

    def send_signal(self, sig: int) -> None: ...


class Forked:
    """A process that was forked off."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """The exit status, once it has ended; −n where signal n has ended it."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def send_signal(self, sig: int) -> None:
        """Send a signal."""
        if self.poll() is None:
            os.kill(self.pid, sig)


@dataclass
class Heard:
    """What a child has told: its verdict, and what each of its threads is doing since when.

    ``interrupted``: the exit status if a signal has asked it to end. ``leaves``: it has started a
    process that is to outlive it.
    """

    pid: int
    verdict: int | None = None
    interrupted: int = 0
    leaves: bool = False
    doing: dict[int, dict[str, Any]] = field(default_factory=dict)
    silent: threading.Event = field(default_factory=threading.Event)

    def listen(self, pipe: IO[bytes]) -> None:
        """Take every line until there are no more."""
        with pipe:
            for line in pipe:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue  # the end of the child cut it off
                if "verdict" in message:
                    self.verdict = message["verdict"]
                elif "leaves" in message:
                    self.leaves = True
                elif message["doing"]:
                    if message.get("limit") is not None:
                        message["patience"] = Patience(message["limit"] + GRACE, self.pid)
                    self.doing[message["thread"]] = message
                else:
                    self.doing.pop(message["thread"], None)
        self.silent.set()

    @property
    def now(self) -> list[dict[str, Any]]:
        """What is being done."""
        return list(self.doing.values())

    def overdue(self) -> str:
        """What has taken longer than it may, or nothing."""
        for each in self.now:
            if "patience" in each and each["patience"].left() <= 0:
                return f"gave no answer for {each['limit']:g} s and was killed"
        return ""


def guarded(leaving: float | None = LEAVING) -> int | None:
    """Go on in a child, where this returns None; here, the exit status that it comes to.

    ``leaving``: the seconds that the child may take to end after its verdict.

    On Linux the child is forked off: it is this process in every respect, and costs nothing.
    Elsewhere the program is started once more.
    """
    if GUARD in os.environ:  # a child that was started, not forked off
        parent, pipe, ended = json.loads(os.environ.pop(GUARD))
        processes.end_with_parent(parent)
        begin(pipe, ended)
        return None
    hold_streams()
    processes.adopt()
    ended = {}
    while True:
        reading, writing = os.pipe()
        child = start(writing, ended)
        if child is None:
            os.close(reading)
            return None
        os.close(writing)
        heard, why = wait(child, os.fdopen(reading, "rb"), leaving)
        if heard.verdict is not None:
            if (
                leaving is not None and not heard.leaves
            ):  # else it may be what a test has set up for others
                processes.end_all(os.getpid(), itself=False)
            return NO_VERDICT if ended and heard.verdict in (0, WRONG_USAGE) else heard.verdict
        processes.end_all(os.getpid(), itself=False)
        if not name_end(heard, why, ended):
            return heard.interrupted or NO_VERDICT


def hold_streams() -> None:
    """Open a standard stream that is closed: a pipe would get its number, and what is printed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


def alone() -> bool:
    """Whether this process can be forked: it has one thread, on Linux."""
    return processes.LINUX and threading.active_count() == 1


def start(pipe: int, ended: dict[str, str]) -> Child | None:
    """The child, as its parent sees it; None in itself."""
    flush()
    if not processes.LINUX:
        os.set_inheritable(pipe, True)
        # Windows numbers its handles anew in each process; this one is inherited by its number.
        number = pipe if sys.platform != "win32" else handle_of(pipe)
        environment = {**os.environ, GUARD: json.dumps([os.getpid(), number, ended])}
        command = [sys.executable, *sys.orig_argv[1:]]
        return subprocess.Popen(command, env=environment, close_fds=False)
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return Forked(pid)
    processes.end_with_parent(parent)
    begin(processes.out_of_the_way(pipe), ended)
    return None


def flush() -> None:
    """Write what is held back of the output, or it is lost, or written twice."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none
            stream.flush()


def handle_of(pipe: int) -> int:
    """The number of a pipe's handle on Windows."""
    import msvcrt

    return int(msvcrt.get_osfhandle(pipe))  # type: ignore[attr-defined]


def begin(pipe: int, ended: dict[str, str]) -> None:
    """In the child: tell that guard from now on, and end in good order when a signal says so."""
    if sys.platform == "win32":
        import msvcrt

        pipe = msvcrt.open_osfhandle(pipe, os.O_WRONLY)
    os.set_inheritable(pipe, False)
    watched.guarded(pipe, ended)
    watch_signals()


def watch_signals() -> None:
    """Every signal that asks this process to end is an interrupt, so that it leaves nothing."""
    last = -SAME

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        again, last = time.monotonic() - last < SAME, time.monotonic()
        if not again:
            raise watched.interrupt(number)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, interrupt)


def wait(child: Child, pipe: IO[bytes], leaving: float | None) -> tuple[Heard, str]:
    """Wait until the child has ended; what it has told, and how it ended."""
    heard = Heard(child.pid)
    threading.Thread(target=heard.listen, args=(pipe,), daemon=True).start()
    deadline: float | None = None
    why = ""
    with passing_on(child, heard) as passed:
        while (status := child.poll()) is None:
            if deadline is None and leaving is not None and heard.verdict is not None:
                deadline = time.monotonic() + leaving
            if passed:
                held = any(each.get("limit") for each in heard.now)
                patience = 0.0 if len(passed) > 1 else HELD if held else ENDING
                deadline = passed[0] + patience
            why = why or heard.overdue()
            if why or (deadline is not None and time.monotonic() > deadline):
                processes.end_all(child.pid)
            # Who was forked off the child may hold the pipe open: its end is the child's, or later.
            if not heard.silent.wait(INTERVAL):
                continue
            time.sleep(INTERVAL / 10)
    heard.silent.wait(1)
    return heard, why or processes.describe_exit(status)


@contextmanager
def passing_on(child: Child, heard: Heard) -> Iterator[list[float]]:
    """Pass on every signal that asks this process to end; when the different ones came."""
    passed: list[float] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        heard.interrupted = 128 + number
        if not passed or time.monotonic() - passed[-1] > SAME:
            passed.append(time.monotonic())
        child.send_signal(number)

    before = {}
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, pass_on)
    try:
        yield passed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def name_end(heard: Heard, why: str, ended: dict[str, str]) -> str:
    """Say how the child has ended, and at what; the file or pairing to leave out, if one is known.

    It is entered in ``ended`` with the reason. Where none is to blame, as by a system without
    memory, all is tried once more: what was judged is not told yet.
    """
    told = "; ".join(each["doing"] for each in heard.now)
    at = f" while {told}" if told else ""
    culprits = {each["of"] for each in heard.now if each.get("of")}
    (culprit,) = culprits if len(culprits) == 1 else ("",)
    key = culprit or (AGAIN if any(each.get("again") for each in heard.now) else "")
    if key in ended or heard.interrupted:
        key = ""
    without = f" without {culprit}" if culprit else ""
    say(
        f"error: the run {why}{at}, before it had a verdict"
        + (f"; all is run again{without}" if key else "")
    )
    if key:
        ended[key] = f"the run {why}{at}"
    return key


def say(text: str) -> None:
    """A line on standard error, and the cursor that a progress bar has hidden."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none
        cursor = SHOW_CURSOR if sys.stderr.isatty() else ""
        sys.stderr.write(f"{cursor}{text}\n")
        sys.stderr.flush()
