"""The errors that reach a user: each says what, where and what to do."""

from __future__ import annotations

import errno

from backproof.mathematics.places import place

# Of a message: it stands in every row that it concerns, and a few thousand of those are usual.
LONGEST = 2000


def told(error: BaseException, function: object = None) -> str:
    """An error of user code in one line: kind, message, file and line.

    ``function``: what was called, for an error that none of its lines has raised.
    """
    text = f"{type(error).__name__}: {message(error)}".rstrip(": ")
    raised = error.__traceback__ is not None or function is not None
    return f"{text} ({place(error, function)})" if raised else text


def message(error: BaseException) -> str:
    """What an error says, cut where it is too long; its text is user code too, and may raise."""
    try:
        text = str(error.msg if isinstance(error, SyntaxError) else error)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
    except BaseException as again:  # only the kind is left to tell
        if isinstance(again, KeyboardInterrupt):
            raise
        return f"(its text cannot be told: {type(again).__name__})"


# Of a system that has no more of something, by the name of its error.
SCARCE = ("EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "ENOSPC", "EDQUOT", "EFBIG", "EROFS", "ENODEV")


def refused(error: BaseException) -> str:
    """What the system has refused, where an error is its doing; else nothing."""
    if isinstance(error, MemoryError):
        return "it has no more memory"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "it starts no more threads"
    if isinstance(error, OSError) and errno.errorcode.get(error.errno or 0) in SCARCE:
        return error.strerror or str(error)
    return ""


class BackproofError(Exception):
    """Something outside of backproof is not as it must be; the message says how to mend it."""


class UsageError(BackproofError):
    """A pairing, an option or a file was written wrongly: exit status 2."""


class EvaluationError(BackproofError):
    """An implementation gave no usable evaluation: its comparisons become ERROR."""
