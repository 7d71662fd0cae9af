"""What this process is doing, told over a pipe to the one that guards it, if there is one.

A process that is ended from within by C code, a later thread or the system can say nothing itself.
Its guard then says what it was doing, and runs all again without the file or pairing that it was
doing it for: here that one is refused, with the reason.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from backproof.mathematics.errors import EvaluationError

TIME_LIMIT = 300.0
"""Seconds that user code may take for one call, or a worker for one answer, unless it is said."""

SIGNALS = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""The signals that ask a process to end."""

_guard: tuple[int, int] | None = None  # the pipe, and the process that may write to it
_ended: dict[str, str] = {}
_sending = threading.Lock()
_now = threading.local()


def guarded(pipe: int, ended: Mapping[str, str]) -> None:
    """This process is guarded from here on; ``ended``: what has ended it before, and how."""
    global _guard
    _guard = pipe, os.getpid()
    _ended.update(ended)


def is_guarded() -> bool:
    """Whether a guard listens to this very process, not to one that it was forked from."""
    return _guard is not None and _guard[1] == os.getpid()


def interrupt(number: int) -> KeyboardInterrupt:
    """What is raised where a signal asks this process to end."""
    return KeyboardInterrupt(signal.Signals(number).name)


def status_of(error: KeyboardInterrupt) -> int:
    """128 + n, the exit status that a shell gives to a process ended by signal n."""
    name = str(error.args[0]) if error.args else "SIGINT"
    return 128 + int(getattr(signal, name if name in SIGNALS else "SIGINT"))


def real(error: KeyboardInterrupt) -> bool:
    """Whether it comes from outside; without a guard every one is taken for that."""
    return not is_guarded() or (bool(error.args) and error.args[0] in SIGNALS)


def let_through(error: BaseException) -> None:
    """Raise an interrupt from outside again; whatever else user code raises, is judged."""
    if isinstance(error, KeyboardInterrupt) and real(error):
        raise error


def tell(**message: object) -> None:
    """One line to the guard."""
    if _guard is None or not is_guarded():
        return
    line = json.dumps({"thread": threading.get_ident(), **message}).encode() + b"\n"
    with _sending, contextlib.suppress(OSError):  # without a guard there is nobody to be told
        os.write(_guard[0], line)


@contextmanager
def doing(
    what: str, of: str = "", limit: float | None = None, *, again: bool = False
) -> Iterator[None]:
    """Tell what is being done, as in "loading a.py"; afterwards, that it is done.

    ``of``: the file or pairing without which all can be run again. ``limit``: the seconds that it
    may take; this process cannot see to that itself while C code holds its interpreter. ``again``:
    it is worth to run all once more, though nothing is to be left out.
    """
    outer = getattr(_now, "message", {"doing": ""})
    _now.message = {
        "doing": what,
        "of": of or outer.get("of", ""),
        "limit": limit,
        "again": again or outer.get("again", False),
    }
    tell(**_now.message)
    try:
        yield
    finally:
        _now.message = outer
        tell(**outer)


def tell_again() -> None:
    """What is being done takes as long as it may once more: this process sees to it itself."""
    tell(**getattr(_now, "message", {"doing": ""}))


def known_ends() -> dict[str, str]:
    """What has ended a former run, and how."""
    return dict(_ended)


def refuse(of: str) -> None:
    """Raise `EvaluationError` for a file or pairing that has ended a former run."""
    if of in _ended:
        raise EvaluationError(_ended[of])
