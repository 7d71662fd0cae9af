"""How a subject is called: in a thread of its own, so that one that hangs or exits ends nothing."""

from __future__ import annotations

import contextvars
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from backproof.mathematics.errors import EvaluationError, told
from backproof.mathematics.network.parameters import Batch


class HungError(EvaluationError):
    """The subject gave no answer in time; what it does still goes on, so it is not called again."""


NO_ANSWER = "the subject gave no answer"


def call(function: Callable[[], Any], limit: float | None = None) -> Any:
    """What user code returns; raises `EvaluationError` for whatever it does instead.

    ``limit``: the seconds that it may take. What it prints goes to standard error, for standard
    output is the result's alone.
    """
    outcome: dict[str, Any] = {}
    context = contextvars.copy_context()  # NumPy keeps the user's errstate there

    def answer() -> None:
        try:
            outcome["value"] = context.run(function)
        except BaseException as error:  # whatever it is, it is judged by the thread that waits
            outcome["error"] = error

    thread = threading.Thread(target=answer, daemon=True)
    with redirect_stdout(sys.stderr), kept_alive():
        thread.start()
        thread.join(limit)
    if thread.is_alive():
        raise HungError(
            f"{NO_ANSWER} for {limit:g} s{place(thread)} and is not asked again; "
            "raise the time limit if it needs that long"
        )
    error = outcome.get("error")
    if error is None:
        return outcome["value"]
    if isinstance(error, EvaluationError):
        raise error
    if isinstance(error, SystemExit):
        raise EvaluationError(f"the subject wanted to exit: {told(error)}") from error
    # Also one that is no `Exception`: what interrupts a command reaches its main thread, not this.
    raise EvaluationError(f"the subject raised {told(error)}{hint(error)}") from error


def place(thread: threading.Thread) -> str:
    """Where a thread is, in user code rather than in a library."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return ""
    own = Path(__file__).parents[2]
    lines = [
        line
        for line in traceback.extract_stack(frame)
        if not Path(line.filename).is_relative_to(own)
        and Path(line.filename).name != "threading.py"
    ]
    return f" (it is at {Path(lines[-1].filename).name}:{lines[-1].lineno})" if lines else ""


def hint(error: BaseException) -> str:
    """What to do about an error that many subjects make."""
    frozen = isinstance(error, FrozenInstanceError) and str(error).endswith(("inputs'", "targets'"))
    if frozen or (isinstance(error, ValueError) and "read-only" in str(error)):
        return ": it changes its batch in place; give it copies, with adapters.copied(subject)"
    return ""


@contextmanager
def kept_alive() -> Iterator[None]:
    """os._exit in the subject would end this process, and say that all is well."""
    leave, ours = os._exit, os.getpid()

    def refused(status: int) -> NoReturn:
        if os.getpid() != ours:  # a child that the subject has forked may leave
            leave(status)
        raise SystemExit(status)

    os._exit = refused
    try:
        yield
    finally:
        os._exit = leave


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
