"""The errors that reach a user: each says what, where and what to do."""

from __future__ import annotations

from backproof.mathematics.places import place


def told(error: BaseException, function: object = None) -> str:
    """An error of user code in one line: kind, message, file and line.

    ``function``: what was called, for an error that none of its lines has raised.
    """
    said = error.msg if isinstance(error, SyntaxError) else error
    return f"{type(error).__name__}: {said} ({place(error, function)})"


class BackproofError(Exception):
    """Something outside of backproof is not as it must be; the message says how to mend it."""


class UsageError(BackproofError):
    """A pairing, an option or a file was written wrongly: exit status 2."""


class EvaluationError(BackproofError):
    """An implementation gave no usable evaluation: its comparisons become ERROR."""
