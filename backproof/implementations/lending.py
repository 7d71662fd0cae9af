"""Workers that a longer-lived process keeps warm, as a run borrows them from it.

Who keeps them (`backproof.faces.warm`) forks a process for each run and offers it what is ready. A
run takes what it needs, starts the rest itself, and tells the keeper over a pipe: what it would
have taken, what it gives back with nothing left to answer, and what it has imported. What is not
given back, the keeper ends.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from backproof.implementations.client import Reply, Worker
from backproof.implementations.host import watched
from backproof.implementations.host.modules import is_foreign
from backproof.implementations.protocol import Tensors
from backproof.mathematics.errors import EvaluationError

Key = tuple[str, str, str]
"""A framework, a dtype, and the folder of a project."""


@dataclass(frozen=True)
class Offer:
    """A worker that is ready and has nothing to do."""

    pid: int
    requests: int
    replies: int
    stderr: int
    """Descriptors of its pipes, and of the file that it writes its errors to."""
    versions: dict[str, str]


@dataclass
class Loan:
    """What is on offer to this process, and the pipe to who offers it."""

    offers: dict[Key, Offer]
    pipe: int
    paths: list[str]
    """The files that the run is narrowed to; empty: all that were asked for."""


_loan: Loan | None = None


def begin(loan: Loan) -> None:
    """This process may borrow from here on."""
    global _loan
    _loan = loan


def tell(**message: object) -> None:
    """One line to the keeper, if there is one."""
    if _loan is not None:
        with contextlib.suppress(OSError):  # it has ended: nobody keeps anything
            os.write(_loan.pipe, json.dumps(message).encode() + b"\n")


def tell_imports() -> None:
    """What of other people's was imported, for the keeper to have at hand the next time."""
    if _loan is not None:
        tell(imported=[name for name, module in list(sys.modules.items()) if is_foreign(module)])


def is_lent() -> bool:
    """Whether somebody keeps workers for this process."""
    return _loan is not None


def is_narrowed() -> bool:
    """Whether only what a change concerns is to be judged."""
    return _loan is not None and bool(_loan.paths)


def narrowed(paths: list[Path]) -> list[Path]:
    """The files to judge: those that a change concerns, or all that were asked for."""
    return [Path(path) for path in _loan.paths] if _loan is not None and _loan.paths else paths


def borrowed(framework: str, dtype: str, root: Path, limit: float) -> Worker | None:
    """A worker that is lent; None where one has to be started.

    What has served a run that was lost is not taken again: nobody knows what it is doing.
    """
    key = (framework, dtype, str(root))
    if _loan is not None and not watched.known_ends():
        offer = _loan.offers.pop(key, None)
        if offer is not None:
            tell(taken=key)
            return Lent(key, offer, limit)
        tell(wanted=key)
    return None


class Replies(io.RawIOBase):
    """A pipe that is read until it, or the reading, ends: who reads must not be left waiting."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._waking, self._woken = os.pipe()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """What has come, as far as there is room for it; 0 at the end."""
        ready, _, _ = select.select([self._pipe, self._waking], [], [])
        return os.readv(self._pipe, [buffer]) if self._pipe in ready else 0

    def end(self) -> None:
        """Nothing more will be read."""
        os.write(self._woken, b"0")

    def close(self) -> None:
        """Close all that it has opened; the pipe itself is another's."""
        if not self.closed:
            os.close(self._waking)
            os.close(self._woken)
        super().close()


class Elsewhere:
    """A process that somebody else has started, as `subprocess.Popen` would have it."""

    def __init__(self, offer: Offer) -> None:
        self.pid = offer.pid
        self.replies = Replies(offer.replies)
        self.stdin: IO[bytes] | None = os.fdopen(os.dup(offer.requests), "wb")
        self.stdout: IO[bytes] | None = io.BufferedReader(self.replies)
        self._end = os.pidfd_open(offer.pid)

    def poll(self) -> int | None:
        """0 once it has ended: how, its parent alone is told."""
        return 0 if select.select([self._end], [], [], 0)[0] else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if not select.select([self._end], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return 0


class Lent(Worker):
    """A worker that goes back to who keeps it."""

    def __init__(self, key: Key, offer: Offer, limit: float) -> None:
        self._key = key
        self._offer = offer
        self._lent = Elsewhere(offer)
        self._last: Future[Reply] | None = None
        self._returned = self._killed = False
        super().__init__(key[0], key[1], Path(key[2]), limit=limit)
        self._silent = os.fstat(offer.stderr).st_size

    def _started(
        self, module: str, command: Sequence[str], dtype: str, root: Path
    ) -> tuple[IO[bytes], Elsewhere]:
        return os.fdopen(os.dup(self._offer.stderr), "rb"), self._lent

    def _greet(self) -> None:
        """It has told its versions to the keeper."""
        self.hello.set_result(({"ok": True, "versions": self._offer.versions}, {}))

    def _how_it_ended(self, status: int) -> str:
        return "has ended"

    def request(self, message: Mapping[str, Any], tensors: Tensors | None = None) -> Future[Reply]:
        """Queue a request, and remember it as the last."""
        self._last = super().request(message, tensors)
        return self._last

    def kill(self) -> None:
        """End it: it is not given back."""
        self._killed = True
        super().kill()

    def close(self) -> None:
        """Give it back, when it has answered everything."""
        with contextlib.suppress(EvaluationError):  # told to whoever has asked
            if self._last is not None:
                self.wait(self._last)
        if not self._killed and self.lost is None and self.process.poll() is None:
            self._returned = True
            self._requests.put(None)
            self._lent.replies.end()
            for thread in self._threads:
                thread.join()
            tell(returned=self._key)

    def _fail(self, why: str) -> None:
        """Its end is none, where it is given back."""
        if not self._returned:
            super()._fail(why)
        self.stderr.close()
