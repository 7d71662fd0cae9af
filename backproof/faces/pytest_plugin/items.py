"""What pytest collects: a file of pairings, and an item for each reference and compared name."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from backproof.faces.pytest_plugin.names import item_names

if TYPE_CHECKING:
    from backproof.comparison.judging.rows import Row
    from backproof.comparison.pairing.pairing import Pairing
    from backproof.faces.pytest_plugin.parallel import Controller
    from backproof.faces.pytest_plugin.run import Outcome, Run


class Source(Protocol):
    """Where items get their rows from."""

    def outcome(self, pairing: str) -> Outcome:
        """What a pairing came to; waits for it."""


class Comparisons:
    """What a session knows of its comparisons."""

    def __init__(self, config: pytest.Config) -> None:
        folder: str | None = config.getoption("backproof_report")
        self.folder = None if folder is None else config.invocation_params.dir / folder
        history: str | None = config.getoption("backproof_history")
        self.history = None if history is None else config.invocation_params.dir / history
        self.idle = bool(config.option.collectonly or config.getoption("setuponly", False))
        self.source: Source | None = None
        self.run: Run | None = None
        self.controller: Controller | None = None
        self.closing = ""
        self._root: Path | None = None
        self._files: dict[str, Path] = {}

    def claim(self, name: str, path: Path, root: Path) -> None:
        """Note which file defines a pairing; refuses a name given twice, and a second project."""
        self._root = self._root or root
        if root != self._root:
            raise pytest.Collector.CollectError(
                f"{path}: this session's comparisons are those of {self._root}; run pytest once "
                "for each project, or leave one out with --ignore"
            )
        if self._files.setdefault(name, path) != path:
            raise pytest.Collector.CollectError(
                f"{path}: a pairing is called {name}, as is one in {self._files[name]}: "
                "give each its own name"
            )


COMPARISONS = pytest.StashKey[Comparisons]()


class PairingFile(pytest.File):
    """A file that may define pairings."""

    def collect(self) -> Iterator[ComparisonItem]:
        from backproof.comparison.pairing.pairing import load, project_root
        from backproof.mathematics.errors import EvaluationError, UsageError
        from backproof.reports.harmless import printable

        try:
            limit = self.config.getoption("backproof_time_limit")
            pairings = {id(pairing): pairing for pairing in load(self.path, limit)}
        except (UsageError, EvaluationError) as error:
            raise self.CollectError(printable(error)) from error
        names = [pairing.name for pairing in pairings.values()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise self.CollectError(
                f"{self.path}: several pairings are called {twice[0]}: give each its own name"
            )
        root = project_root(self.path)
        only = self.config.getoption("backproof_reference")
        for pairing in pairings.values():
            self.config.stash[COMPARISONS].claim(pairing.name, self.path, root)
            for name, reference, compared in item_names(pairing):
                if not only or reference in only:
                    yield ComparisonItem.from_parent(
                        self,
                        name=name,
                        # Whole, so that pytest reads it as it will read it again from its cache,
                        # for --lf and --ff: what stands in brackets is a parameter.
                        nodeid=f"{self.nodeid}::{name}",
                        pairing=pairing,
                        root=root,
                        reference=reference,
                        compared=compared,
                    )


class ComparisonItem(pytest.Item):
    """One compared name of one pairing against one reference, at all points and steps."""

    def __init__(
        self, *, pairing: Pairing, root: Path, reference: str, compared: str, **given: Any
    ) -> None:
        super().__init__(**given)
        self.pairing = pairing
        self.root = root
        self.reference = reference
        self.compared = compared

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, pytest.fail.Exception):
            return str(excinfo.value)  # bare, or each line of the summary would begin with "Failed"
        # Only a fault of ours has a traceback, and pytest's own calls are no part of it.
        excinfo.traceback = excinfo.traceback.cut(path=__file__)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is: at the subject, if that is in the same file."""
        file, _, line = self.pairing.subject_place.rpartition(":")
        own = file and (self.root / file) == self.path
        return self.path, int(line) - 1 if own else None, self.name

    def runtest(self) -> None:
        from backproof.reports.harmless import printable

        source = self.config.stash[COMPARISONS].source
        assert source is not None
        with warnings.catch_warnings():
            # An overflow that is harmless to the subject is shown, as ever; but no filter of the
            # session may make an error of it: the verdict is the same wherever it is asked for.
            warnings.simplefilter("default")
            outcome = source.outcome(self.pairing.name)
        rows = [
            row
            for row in outcome.rows
            if row.reference == self.reference and row.name == self.compared
        ]
        if not rows and self.compared in outcome.omits:
            pytest.skip(f"not compared: the subject gives no {self.compared}")
        self.user_properties += [*properties(rows), *place_of(rows, self.pairing.subject_place)]
        problem = explain(rows) if rows else f"ERROR: {outcome.broken or 'nothing was compared'}"
        if problem:
            pytest.fail(printable(problem), pytrace=False)


def badness(row: Row) -> tuple[int, float, float]:
    """Orders rows by status, then by how much of the bound they use, then by weakness."""
    order = ("MATCH", "AT-FAULT", "WAIVED", "UNDECIDED", "ERROR", "MISMATCH")
    used, power = (
        -1.0 if number is None else math.inf if math.isnan(number) else number
        for number in (row.bound_used, row.power)
    )
    return order.index(row.status), used, power


def properties(rows: list[Row]) -> list[tuple[str, object]]:
    """What ``--junitxml`` says: status and bound of the worst row, power of the weakest."""
    if not rows:
        return [("status", "ERROR")]
    worst = max(rows, key=badness)
    weakest = max(rows, key=lambda row: badness(row)[2])
    numbers = {"bound": worst.bound, "bound_used": worst.bound_used, "power": weakest.power}
    grade = next((str(row.grade) for row in (worst, weakest) if row.grade), "")
    told: list[tuple[str, object]] = [("status", str(worst.status))]
    told += [("grade", grade)] if grade else []
    told += [(key, "" if n is None else f"{n:.17g}") for key, n in numbers.items()]
    return told if worst.status == "MATCH" else [*told, ("cause", worst.cause)]


def place_of(rows: list[Row], subject: str) -> list[tuple[str, object]]:
    """What ``--junitxml`` says of where to look: the file and line of an error, or of the subject.

    As properties, for the attributes of these names exist in pytest's family xunit1 alone.
    """
    from backproof.reports.located import located

    failing = [row for row in rows if not row.status.passes]
    known = located(max(failing, key=badness).cause if failing else "", subject)
    return [("file", known[0]), ("line", known[1])] if known else []


def explain(rows: list[Row]) -> str:
    """Why these rows fail, the gravest status first; nothing if they pass.

    The first line says the cause, for it is the one that pytest's short summary shows, behind the
    name of the test.
    """
    failing = [row for row in rows if not row.status.passes]
    blocks: list[str] = []
    for status in dict.fromkeys(row.status for row in sorted(failing, key=badness, reverse=True)):
        same = [row for row in failing if row.status == status]
        worst = max(same, key=badness)  # the first among equals
        used = worst.bound_used or 0.0
        cause = worst.cause or next((row.cause for row in same if row.cause), "")
        far = f", {used:.3g} times the bound" if 1 < used < math.inf else ""
        lines = (
            f"{status}: {cause or worst.detail or 'no cause is known'}",
            f"{worst.pairing}: {worst.name} against {worst.reference}, {place(worst)}{far}",
            cause and worst.detail,
            f"so at {len(same)} of {len(rows)} points and steps, first {place(same[0])}",
        )
        blocks.append("\n  ".join(line.replace("\n", "\n  ") for line in lines if line))
    return "\n".join(blocks)


def place(row: Row) -> str:
    """At which step, or which probe."""
    return f"at step {row.step} on the data" if row.point == "data" else f"at probe {row.point}"
