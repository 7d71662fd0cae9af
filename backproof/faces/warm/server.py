"""A keeper that every run of its user can ask: it starts when one is missed, and ends by itself."""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backproof.faces.warm import keeper
from backproof.implementations.host import processes, watched
from backproof.mathematics.errors import EvaluationError, UsageError

PACKAGE = Path(__file__).parents[2]
"""backproof as this process has it, by whatever links."""
STARTING = 10.0
"""Seconds that it may take to listen; nobody waits for it longer."""
INTERVAL = 0.05
SIGNALS = [getattr(signal, name) for name in watched.SIGNALS]


def address() -> Path:
    """Where the server listens that has this user, this Python and this backproof.

    In a folder that is the user's alone: whoever can ask it, can have it execute code. Raises
    `UsageError` where that folder is somebody else's.
    """
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder /= f"backproof-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise UsageError(
            f"{folder} is open to others than its user: remove it, or leave out --warm"
        )
    newest = max(path.stat().st_mtime_ns for path in PACKAGE.rglob("*.py"))
    of = f"{sys.executable} {PACKAGE} {newest}"
    return folder / f"{hashlib.sha256(of.encode()).hexdigest()[:16]}.socket"


def serve(run: Callable[[], object], idle: float) -> None:
    """Listen, and answer one request after another, until there are none for ``idle`` seconds.

    Raises `UsageError` if there is a server already.
    """
    place = address()
    with socket.socket(socket.AF_UNIX) as listening:
        bind(listening, place)
        kept = keeper.Keeper(run, listening)
        try:
            while select.select([listening], [], [], idle)[0]:
                client, _ = listening.accept()
                with client:
                    kept.serve(client)
        finally:
            place.unlink(missing_ok=True)
            kept.close()


@contextmanager
def in_short(place: Path) -> Iterator[str]:
    """An address of any length, as the system takes it: it has room for some hundred bytes."""
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)


def bind(listening: socket.socket, place: Path) -> None:
    """Take an address, that of a server that was killed too."""
    with in_short(place) as short:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as trial:
            trial.connect(short)
            raise UsageError("a server listens already: it ends by itself when it is not used")
        place.unlink(missing_ok=True)
        listening.bind(short)
    listening.listen()


def ask(arguments: list[str]) -> int | None:
    """Have the server carry out a command here; None where there is none that has time.

    A server is started where none listens; the run then waits for imports once more.
    """
    if not processes.LINUX:
        return None
    client = connected()
    if client is None:
        return None
    with client:
        request = {
            "arguments": arguments,
            "folder": str(Path.cwd()),
            "environment": dict(os.environ),
            "paths": [],
        }
        keeper.send(client, request, [0, 1, 2])
        begun = keeper.receive(client)
        if begun is None or "pid" not in begun[0]:
            return None
        with passing_on(int(begun[0]["pid"])):
            ended = keeper.receive(client)
    if ended is None:
        raise EvaluationError("the server that carried it out has ended: run it again")
    return int(ended[0]["status"])


def connected() -> socket.socket | None:
    """The server; it is started first, where none listens."""
    place = address()
    client = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError), in_short(place) as short:
        client.connect(short)
        return client
    watched.tell(leaves=True)  # the server is to stay
    subprocess.Popen(
        [sys.executable, "-m", "backproof", "serve"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=PACKAGE.parent,  # so that it is the same backproof
    )
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), in_short(place) as short:
            client.connect(short)
            return client
        time.sleep(INTERVAL)
    client.close()
    return None


@contextmanager
def passing_on(pid: int) -> Iterator[None]:
    """Whoever interrupts this process means the run, which ends in good order."""

    def pass_on(number: int, frame: object) -> None:
        processes.quietly(lambda: os.kill(pid, number))

    before = [(number, signal.signal(number, pass_on)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
