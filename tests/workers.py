"""The frameworks' workers that the tests share: one process a framework and dtype, for a session.

A framework takes seconds to import, and Keras and JAX compile what they have not met before. A test
of how workers start and end, or of a twin that ends its worker, starts its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from backproof.comparison.run import Workers
from tests.project import ROOT


class Shared(Protocol):
    """Gives the workers of some frameworks, in one dtype, to a test."""

    def __call__(self, *frameworks: str, dtype: str = "float64") -> Workers: ...


@contextmanager
def sharing() -> Iterator[Shared]:
    """Start each worker when it is first asked for, and end them all at the end."""
    started: dict[str, Workers] = {}

    def shared(*frameworks: str, dtype: str = "float64") -> Workers:
        ours = started.setdefault(dtype, Workers((), dtype, ROOT))
        for name in frameworks:
            if name in ours.by_name and ours.by_name[name].lost is not None:
                ours.restart(name)
            ours.start(name)
        # Pairings are narrowed to the workers that there are: a test gets those that it names.
        chosen = Workers((), dtype, ROOT)
        chosen.by_name = {name: ours.by_name[name] for name in frameworks}
        chosen._calibrated = ours._calibrated
        return chosen

    try:
        yield shared
    finally:
        for workers in started.values():
            workers.__exit__()
