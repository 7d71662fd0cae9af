"""How a subject is called: in a thread of its own, so that one that hangs or exits ends nothing."""

from __future__ import annotations

import contextvars
import inspect
import io
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError
from typing import Any, TypeVar

import numpy as np

from backproof.implementations.host import watched
from backproof.implementations.host.processes import Patience, kept_alive
from backproof.implementations.host.surroundings import put_back
from backproof.implementations.subject.declaration import Adapted, written
from backproof.mathematics.errors import EvaluationError, told
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.places import is_users, named, origin

T = TypeVar("T")


class HungError(EvaluationError):
    """The subject gave no answer in time; what it does still goes on, so it is not called again."""


NO_ANSWER = "gave no answer"
_calls = threading.Lock()
_screen: contextvars.ContextVar[io.StringIO | None] = contextvars.ContextVar("screen", default=None)
_outputs: list[Any] = []  # standard output as it was before the first of the calls that are on


class Output:
    """Standard output while subjects are called: of each call its own screen, or standard error."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_screen.get() or sys.stderr, name)

    def close(self) -> None:
        """It is not the subject's to close."""


_output: Any = Output()


@contextmanager
def screen() -> Iterator[io.StringIO]:
    """What this call prints, and no other that is on in another thread meanwhile."""
    own = io.StringIO()
    token = _screen.set(own)
    try:
        with prints_to_standard_error():
            yield own
    finally:
        _screen.reset(token)


@contextmanager
def prints_to_standard_error() -> Iterator[None]:
    """Standard output is standard error until the last of the calls that are on has ended.

    It is one for all threads: were each call to restore what it found, one that began during
    another's would leave standard output lost for good.
    """
    with _calls:
        _outputs.append(_outputs[0] if _outputs else sys.stdout)
        sys.stdout = _output
    try:
        yield
    finally:
        with _calls:
            before = _outputs.pop()
            if not _outputs:
                sys.stdout = before


def call(
    function: Callable[[], Any],
    limit: float | None = None,
    subject: Callable[..., Any] | None = None,
) -> Any:
    """What user code returns; raises `EvaluationError` for whatever it does instead.

    ``limit``: the seconds that it may take. ``subject``: whose code it is, for an error that none
    of its lines has raised. What it prints goes to standard error, for standard output is the
    result's alone.
    """
    value, error = attempt(function, limit, "the subject")
    if error is None:
        return value
    if isinstance(error, EvaluationError):
        raise error
    said = f"{told(error, subject and written(subject))}{hint(error, subject)}"
    raise EvaluationError(f"the subject raised {said}") from error


def attempt(
    function: Callable[[], Any], limit: float | None, who: str
) -> tuple[Any, BaseException | None]:
    """What user code returns, or what it raises, be it no Exception but another BaseException.

    Raises `HungError` if it takes more than ``limit`` seconds, and `EvaluationError` if it wants to
    exit; both say ``who`` it was.
    """
    outcome: dict[str, Any] = {}
    context = contextvars.copy_context()  # NumPy keeps the user's errstate there

    def answer() -> None:
        try:
            outcome["value"] = plain(context.run(function))
        except BaseException as error:  # whatever it is, it is judged by the thread that waits
            outcome["error"] = error

    thread = threading.Thread(target=answer, daemon=True)
    with put_back(output=False), prints_to_standard_error(), kept_alive():
        thread.start()
        if limit is None:
            thread.join()
        else:
            patience = Patience(limit, os.getpid(), thread.native_id)
            while thread.is_alive() and (left := patience.left()) > 0:
                thread.join(left)
                watched.tell_again()
    if thread.is_alive():
        raise HungError(
            f"{who} {NO_ANSWER} for {limit:g} s{place(thread)} and is not asked again; "
            "raise the time limit if it needs that long"
        )
    error = outcome.get("error")
    if isinstance(error, SystemExit):
        raise EvaluationError(f"{who} wanted to exit: {told(error)}") from error
    return outcome.get("value"), error


def plain(value: T) -> T:
    """A value that is there; raises TypeError for one that an async function has yet to compute."""
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError(f"{value.__qualname__} is async, and nobody awaits it: give a plain one")
    return value


def place(thread: threading.Thread) -> str:
    """Where a thread is, in user code rather than in a library."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return ""
    lines = [line for line in traceback.extract_stack(frame) if is_users(line.filename)]
    return f" (it is at {named(lines[-1].filename, lines[-1].lineno or 1)})" if lines else ""


def hint(error: BaseException, subject: object = None) -> str:
    """What to do about an error that many subjects make."""
    unreached = origin(error) is None and not isinstance(subject, Adapted)
    if unreached and isinstance(error, TypeError) and "argument" in str(error):
        return ": it is called as subject(parameters, batch)"
    frozen = isinstance(error, FrozenInstanceError) and str(error).endswith(("inputs'", "targets'"))
    if frozen or (isinstance(error, ValueError) and "read-only" in str(error)):
        return ": it changes its batch in place; give it copies, with adapters.copied(subject)"
    return ""


@contextmanager
def unchanged(batch: Batch) -> Iterator[None]:
    """A batch is everybody's: compiled code may write into it, where NumPy would have refused."""
    kept = {"inputs": batch.inputs.copy(), "targets": batch.targets.copy()}
    yield
    for name, before in kept.items():
        array = getattr(batch, name)
        if not np.array_equal(array, before):
            array.flags.writeable = True
            array[...] = before
            array.flags.writeable = False
            raise EvaluationError(
                f"the subject changes batch.{name} in place; give it copies, "
                "with adapters.copied(subject)"
            )


def open_subject(subject: object, *described: Any) -> None:
    """Tell a subject with a method ``open`` what it will be asked about: network, optimizer, dtype.

    A program behind a pipe wants to know; a plain function has no such method.
    """
    opening = getattr(subject, "open", None)
    if callable(opening):
        call(lambda: opening(*described))


def close_subject(subject: object) -> None:
    """Tell a subject with a method ``close`` that it is not asked any more for now."""
    closing = getattr(subject, "close", None)
    if callable(closing):
        closing()
