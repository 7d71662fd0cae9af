"""Selection: which pairings, references and precision a command works on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from backproof.faces.command_line.screen import tell
from backproof.implementations import lending
from backproof.implementations.host.watched import TIME_LIMIT
from backproof.mathematics.errors import EvaluationError, UsageError

if TYPE_CHECKING:
    from backproof.comparison.pairing.pairing import Broken, Pairing
    from backproof.comparison.run import Workers
    from backproof.gauging.campaign import Campaign


class DType(StrEnum):
    """The dtypes a run can be made in; in half precision a subject is given float32 arrays."""

    float64 = "float64"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class Precision(StrEnum):
    """The same, and float64 and float32 in one run."""

    float64 = "float64"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"
    both = "both"


def check_references(asked: list[str] | None) -> None:
    """Refuse a reference that there is no framework for."""
    from backproof.implementations.frameworks import names

    unknown = set(asked or ()) - set(names())
    if unknown:
        raise UsageError(f"no reference {sorted(unknown)[0]!r}; there are {', '.join(names())}")


def likely(paths: list[Path]) -> list[str]:
    """The frameworks that the pairing files seem to want, by their text alone.

    They take longest to import, so they are started before the files are executed, which then says
    what is missing. A pairing that names no references is compared with the usual two; a file that
    speaks of no pairing has none, and may be of other things, or be broken.
    """
    from backproof.comparison.pairing.pairing import files

    texts = []
    for path in files(paths):
        with suppress(OSError):  # it is told when it is loaded
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
    return [
        name
        for name in ("keras", "torch")
        if any(
            "Pairing" in text and (f'"{name}"' in text or "references" not in text)
            for text in texts
        )
    ]


def root_of(paths: list[Path]) -> Path:
    """The one project that all paths lie in."""
    from backproof.comparison.pairing.pairing import project_root

    roots = {project_root(path) for path in paths}
    if len(roots) > 1:
        raise UsageError(
            f"the paths lie in several projects ({', '.join(sorted(map(str, roots)))}): "
            "verify one at a time"
        )
    return roots.pop()


def ready(
    paths: list[Path],
    report: Path | None,
    only: list[str] | None,
    reference: list[str] | None,
    workers: Workers,
    *,
    suited: bool = True,
    both: bool = False,
) -> tuple[list[Pairing], list[Broken]]:
    """The pairings asked for, with their references started, and what could not be loaded.

    What could not is told at once, before anything waits for a framework. ``suited``: see
    `Workers.serve`. ``both``: each in float64 and in float32.
    """
    pairings, broken = selected(paths, report, only, reference, workers)
    if both:
        pairings = [one for each in pairings for one in each.in_both()]
    workers.serve(pairings, suited=suited)
    return pairings, broken


def selected(
    paths: list[Path],
    report: Path | None,
    only: list[str] | None,
    reference: list[str] | None,
    workers: Workers,
) -> tuple[list[Pairing], list[Broken]]:
    """The same, without their references; workers that were started for nothing are ended."""
    from backproof.comparison.pairing import pairing

    if report is not None:
        from backproof.implementations.host.files import check_writable

        check_writable(report)
    pairings, broken = pairing.load_all(paths, workers.limit)
    if not pairings:
        for worker in workers.every():
            worker.kill()  # in the middle of its import, and nobody has a question
        if broken and report is None:
            kind = EvaluationError if pairing.all_ended(broken) else UsageError
            raise kind("; ".join(each.reason for each in broken))
    for each in broken:
        tell(f"{each.reason}{'; the other pairings are compared' if pairings else ''}")
    pairings = chosen(pairings, only)
    if not pairings and not broken:
        if lending.is_narrowed():
            raise typer.Exit(0)  # a change that concerns none of those that are watched
        raise UsageError(f"no pairings in {', '.join(map(str, paths))}: define one with Pairing(…)")
    if reference:
        pairings = [each.against(reference) for each in pairings]
    return pairings, broken


def chosen(pairings: list[Pairing], only: list[str] | None) -> list[Pairing]:
    """The pairings that were asked for; a name that is none of them is an error."""
    import difflib

    names = [each.name for each in pairings]
    for name in only or ():
        if name not in names and not lending.is_narrowed():
            near = difflib.get_close_matches(name, names, n=1)
            raise UsageError(
                f"no pairing {name!r}; "
                + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}")
            )
    return [each for each in pairings if not only or each.name in only]


def campaign(
    references: Iterable[str],
    dtype: str,
    root: Path,
    processes: int | None,
    address: str | None,
    limit: float = TIME_LIMIT,
) -> AbstractContextManager[Campaign]:
    """Where a command's chunks are carried out, with the references' workers started there."""
    if processes is not None and address is not None:
        raise UsageError("--workers and --dask exclude each other: take one of them")
    from backproof.gauging.campaign import Crew, begun

    crew = Crew(tuple(references), str(dtype), root, limit)
    return begun(crew, processes, address)
