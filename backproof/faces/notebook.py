"""What a notebook shows while `verify` works: the stage that it is at, and nothing at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any


@contextmanager
def stages() -> Iterator[Callable[[str], object]]:
    """What to call at each stage: it is shown where a notebook runs this, and nowhere else."""
    shown = display() if runs() else None
    if shown is None:
        yield lambda stage: None
        return
    try:
        yield lambda stage: shown.update(content(f"{stage} …"), raw=True)
    finally:
        shown.update(content(""), raw=True)


def runs() -> bool:
    """Whether a notebook's kernel runs this: IPython on a terminal could only add lines."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def display() -> Any:
    """A place in the output of the cell, which can be written to again."""
    from IPython.display import display as displayed

    return displayed(content(""), raw=True, display_id=True)


def content(text: str) -> dict[str, str]:
    """One line in grey, and no line where there is no text."""
    html = f"<span style='opacity:.6'>{escape(text)}</span>" if text else ""
    return {"text/plain": text, "text/html": html}
