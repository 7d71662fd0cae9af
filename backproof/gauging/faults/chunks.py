"""A part of `backproof faults` in a campaign: one pairing, loaded and gauged wherever it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backproof.comparison.pairing.pairing import Broken, Pairing, load_all
from backproof.comparison.run import Workers
from backproof.gauging.faults.mutation import Score, gauge
from backproof.mathematics.errors import UsageError


@dataclass(frozen=True)
class OfPairing:
    """The gauging of one pairing, found by its name among those of ``paths``."""

    paths: tuple[Path, ...]
    name: str
    references: tuple[str, ...] | None = None
    size: int = 1

    def carry_out(self, workers: Workers, on_done: Callable[[int], object]) -> Score | Broken:
        """Its score; raises `UsageError` where the files do not define it."""
        with contextlib.chdir(workers.root):
            found = loaded(self.paths, workers.limit).get(self.name)
            if found is None:
                raise UsageError(
                    f"the cluster finds no pairing {self.name} in "
                    f"{', '.join(map(str, self.paths))}: the project must be the same everywhere"
                )
            pairing = found.against(self.references) if self.references else found
            for name in pairing.references:
                workers.start(name)
            (score,) = gauge([pairing], workers)
        on_done(self.size)
        return score

    def __str__(self) -> str:
        return f"pairing {self.name}"


def chunks(
    paths: Iterable[Path], names: Iterable[str], references: Iterable[str] | None
) -> list[OfPairing]:
    """One for each pairing, in their order."""
    own = tuple(path.resolve() for path in paths)
    only = tuple(references) if references else None
    return [OfPairing(own, name, only) for name in names]


@cache
def loaded(paths: tuple[Path, ...], limit: float) -> dict[str, Pairing]:
    """The pairings of these files, by name; they are executed once in each process."""
    return {pairing.name: pairing for pairing in load_all(paths, limit)[0]}
