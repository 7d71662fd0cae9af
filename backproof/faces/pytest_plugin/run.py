"""The run behind a session's items: all pairings in one pass, judged one by one when asked for."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from backproof.comparison.judging.rows import Row
from backproof.comparison.pairing.pairing import Broken, Pairing
from backproof.comparison.record import FALSE_ALARM
from backproof.comparison.run import Judged, Workers, verify


@dataclass(frozen=True)
class Outcome:
    """What a pairing came to: its rows, or why there are none.

    ``omits``: the names that its subject does not give, and need not.
    """

    rows: list[Row]
    broken: str = ""
    omits: tuple[str, ...] = ()


class BrokenOffError(Exception):
    """A run ended before it had judged all; the cause is chained."""


class Run:
    """Pairings of one project, with their workers: those start here, at once."""

    def __init__(
        self,
        pairings: Sequence[Pairing],
        root: Path,
        dtype: str,
        limit: float,
        *,
        one_by_one: bool = False,
        chance: float = FALSE_ALARM,
    ) -> None:
        """``one_by_one``: no pairing is begun before those in front of it are judged.

        Work that could go on while the frameworks are imported is then put off; but the first
        failure, at which ``-x`` stops, is not held up by pairings that come after it. ``chance``:
        of one false alarm in all of them.
        """
        self.workers = Workers((), dtype, root, limit)
        self.workers.serve(pairings)
        self.today = datetime.date.today()
        self.pairings = [pairing.name for pairing in pairings]
        self.judged: list[Judged] = []
        self.broken: list[Broken] = []
        self._outcomes: dict[str, Outcome] = {}
        groups = [[pairing] for pairing in pairings] if one_by_one else [pairings]
        self._coming = chain.from_iterable(
            verify(group, self.workers, self.today, chance=chance / max(1, len(pairings)))
            for group in groups
        )
        self._fault: BaseException | None = None
        self._stopped = False

    def outcome(self, pairing: str) -> Outcome:
        """What a pairing came to; runs until it is known."""
        while pairing not in self._outcomes:
            self._advance()
        return self._outcomes[pairing]

    def _advance(self) -> None:
        """Judge the next pairing; what ends the run, ends it for every item that still waits."""
        if self._fault is None:
            try:
                each = next(self._coming)
            except KeyboardInterrupt as interrupt:
                self._fault = interrupt
                raise
            except BaseException as error:  # also what pytest takes for a skip
                self._fault = error
            else:
                if not self._stopped:  # else its workers were killed under it
                    self._take(each)
                    return
        raise BrokenOffError("the comparisons were broken off") from self._fault

    def _take(self, each: Judged | Broken) -> None:
        if isinstance(each, Broken):
            self.broken.append(each)
            self._outcomes[each.what] = Outcome([], each.reason)
        else:
            self.judged.append(each)
            self._outcomes[each.record.pairing] = Outcome(each.rows, omits=each.record.omits)

    def stop(self) -> None:
        """End the run: at once if something is left to be judged."""
        if not self._stopped and len(self._outcomes) < len(self.pairings):
            self._stopped = True
            for worker in self.workers.every():
                worker.kill()

    def write(self, folder: Path | None, limit: float, history: Path | None = None) -> list[str]:
        """Write the reports of all that was judged; ``limit``: megabytes of evaluations.

        Returns what is to be told of a history that could not be written: it costs no verdict.
        """
        from backproof.mathematics.errors import UsageError
        from backproof.reports.environment import environment
        from backproof.reports.history import append
        from backproof.reports.report import Report

        known = environment(self.workers.dtype, self.workers.versions())
        report = Report.of(self.judged, known, self.today)
        report.notes += [each.note for each in self.broken]
        problems = []
        if history is not None:
            try:
                report.history = append(report, history)
            except UsageError as error:
                problems.append(str(error))
        if folder is not None:
            report.write(folder, evaluations_limit=limit * 1e6)
        return problems

    def close(self) -> None:
        """End the workers."""
        self.stop()
        self.workers.__exit__()
