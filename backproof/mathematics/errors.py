"""The errors that reach a user: each says what, where and what to do."""

from __future__ import annotations

import traceback
from pathlib import Path


def told(error: BaseException) -> str:
    """An error of user code in one line: kind, message, file and line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


class BackproofError(Exception):
    """Something outside of backproof is not as it must be; the message says how to mend it."""


class UsageError(BackproofError):
    """A pairing, an option or a file was written wrongly: exit status 2."""


class EvaluationError(BackproofError):
    """An implementation gave no usable evaluation: its comparisons become ERROR."""
