"""A progress bar for loops of many short steps, on a terminal; elsewhere nothing is shown."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO

WIDTH = 30  # characters
UPDATES = 200  # over the whole loop: redrawing at every step would cost more than the step


def counted(steps: int, what: str) -> Iterable[int]:
    """Return 0, 1, … steps - 1; while they are taken, a terminal at standard error shows a bar.

    Without a terminal it is range(steps) itself, and with one a step costs no more than the next
    item of a generator.
    """
    stream = sys.stderr  # None where Python runs without a console
    if stream is None or not stream.isatty():
        return range(steps)
    return _shown(steps, what, stream)


def _shown(steps: int, what: str, stream: TextIO) -> Iterator[int]:
    every = max(1, steps // UPDATES)
    begun = time.monotonic()
    done = 0
    try:
        while done < steps:
            stream.write(f"\r{line(what, done, steps, time.monotonic() - begun)}")
            stream.flush()
            following = min(done + every, steps)
            yield from range(done, following)
            done = following
    finally:  # a loop that is left early keeps the bar as far as it came
        stream.write(f"\r{line(what, done, steps, time.monotonic() - begun)}\n")
        stream.flush()


def line(what: str, done: int, steps: int, seconds: float) -> str:
    """Return the bar as text, of one length for all `done`, so that each overwrites the last."""
    filled = WIDTH * done // steps if steps else WIDTH
    bar = "#" * filled + "." * (WIDTH - filled)
    total = f"{steps:,}"
    return f"{what} [{bar}] {done:>{len(total)},}/{total} {seconds:7.1f} s"
