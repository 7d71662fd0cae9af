"""Two halves: `pytest -m "not slow"` touches every part in little time; the rest is marked slow.

The mark says about how many seconds a test takes; what takes longest is started first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_but(quick: Collection[Any], cases: Iterable[Any], seconds: float) -> list[Any]:
    """The cases of a parametrized test, slow all but these few; a tuple is of several arguments."""
    cases = list(cases)
    assert all(case in cases for case in quick)
    slow = pytest.mark.slow(seconds)
    arguments = (case if type(case) is tuple else (case,) for case in cases)
    return [
        case if case in quick else pytest.param(*given, marks=slow)
        for case, given in zip(cases, arguments, strict=True)
    ]
