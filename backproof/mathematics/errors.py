"""The errors that reach a user: each says what, where and what to do."""

from __future__ import annotations

import traceback
from pathlib import Path

# Of a message: it stands in every row that it concerns, and a few thousand of those are usual.
LONGEST = 2000


def told(error: BaseException) -> str:
    """An error of user code in one line: kind, message, file and line."""
    text = f"{type(error).__name__}: {message(error)}".rstrip(": ")
    stack = traceback.extract_tb(error.__traceback__)
    return f"{text} ({Path(stack[-1].filename).name}:{stack[-1].lineno})" if stack else text


def message(error: BaseException) -> str:
    """What an error says, cut where it is too long; its ``__str__`` is user code, too."""
    try:
        text = str(error)
    except Exception as another:  # which fails for whatever reason
        return f"its message cannot be had, for its __str__ raises {type(another).__name__}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


class BackproofError(Exception):
    """Something outside of backproof is not as it must be; the message says how to mend it."""


class UsageError(BackproofError):
    """A pairing, an option or a file was written wrongly: exit status 2."""


class EvaluationError(BackproofError):
    """An implementation gave no usable evaluation: its comparisons become ERROR."""
