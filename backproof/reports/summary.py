"""What terminal and Markdown both say: counts by pairing and reference, and failures in groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from backproof.comparison.judging.rows import Grade, Row, Status
from backproof.comparison.record.record import DATA
from backproof.mathematics.network import quantities
from backproof.mathematics.probes.probes import PROBES

if TYPE_CHECKING:
    from backproof.reports.findings import Findings

# The statuses in the order in which tables show them.
SHOWN = (
    Status.MATCH,
    Status.MISMATCH,
    Status.UNDECIDED,
    Status.ERROR,
    Status.WAIVED,
    Status.AT_FAULT,
)
# The same, the worst first.
WORST_FIRST = (
    Status.MISMATCH,
    Status.ERROR,
    Status.UNDECIDED,
    Status.WAIVED,
    Status.AT_FAULT,
    Status.MATCH,
)
# Stands for the reference of a pairing that has none.
NOBODY = "nothing"
NUMBER = re.compile(r"\d[\d.]*(e[-+]?\d+)?")


@dataclass(frozen=True, eq=False)
class Duel:
    """One pairing against one reference; no rows where nothing was compared."""

    pairing: str
    reference: str
    rows: list[Row]

    @cached_property
    def counts(self) -> Counter[Status]:
        """How many comparisons came to what."""
        return Counter(row.status for row in self.rows)

    @property
    def power(self) -> float | None:
        """The weakest power of a gradient on the data."""
        return max(
            (
                row.power
                for row in self.rows
                if row.quantity == "gradient" and row.point == DATA and row.power is not None
            ),
            default=None,
        )

    @property
    def bound_used(self) -> float | None:
        """The largest share of a bound that a difference took up."""
        return max(
            (row.bound_used for row in self.rows if row.bound_used is not None), default=None
        )

    @property
    def verdict(self) -> Status:
        """The worst status; no rows at all are an ERROR."""
        counts = self.counts
        return next((status for status in WORST_FIRST if counts[status]), Status.ERROR)


@dataclass(frozen=True, eq=False)
class Failure:
    """All rows of one name, in one duel, with one status that is not MATCH.

    Or of several names, where one sentence says why for all of them: a worker that died, say.
    """

    names: tuple[str, ...]
    status: Status
    rows: list[Row]
    everything: bool = False
    probes: int = len(PROBES)
    """How many probes there are in the duel."""

    @property
    def name(self) -> str:
        """The first name, in the order of computation."""
        return self.names[0]

    @property
    def others(self) -> str:
        """The other names, to stand after the first."""
        if len(self.names) == 1:
            return ""
        return " and all others" if self.everything else f" and {len(self.names) - 1} more"

    @property
    def worst(self) -> Row:
        """The row that says most: the first error, the weakest of the weak, else the farthest."""
        if self.status is Status.ERROR:
            return self.rows[0]
        if self.status is Status.UNDECIDED:
            return max(self.rows, key=lambda row: row.power or 0)
        return max(self.rows, key=lambda row: row.bound_used or 0)

    @property
    def where(self) -> str:
        """The points concerned, steps on the data being counted."""
        steps = sorted({row.step for row in self.rows if row.point == DATA})
        probes = sorted({row.point for row in self.rows if row.point != DATA})
        parts = []
        if len(steps) == 1:
            parts.append(f"step {steps[0]}")
        elif steps:
            whole = steps[-1] - steps[0] + 1 == len(steps)
            parts.append(
                f"{len(steps)} steps from {steps[0]}" + ("" if whole else f" to {steps[-1]}")
            )
        if len(probes) == self.probes > 1:
            parts.append("all probes")
        elif probes:
            parts.append(f"probe{'s' * (len(probes) > 1)} {', '.join(probes)}")
        return "; ".join(parts)

    def gist(self, reference: str) -> tuple[object, ...]:
        """What two references' failures share, if they are the same but for names and numbers."""
        cause = masked(self.worst.cause.replace(reference, "it"))
        return self.names, self.status, self.where, cause


def duels(report: Findings) -> list[Duel]:
    """Every pairing × reference, sorted; also where there should be rows and are none.

    Kept with the report until it has other rows or records: many ask, and a report may have a
    million rows.
    """
    size = (len(report.rows), len(report.records))
    known = report.grouped
    if known is None or known[0] is not report.rows or known[1] != size:
        report.grouped = known = (report.rows, size, grouped_rows(report))
    found: list[Duel] = known[2]
    return found


def grouped_rows(report: Findings) -> list[Duel]:
    """The same, made anew."""
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in report.rows:
        grouped.setdefault((row.pairing, row.reference), []).append(row)
    for record in report.records:
        for reference in record.references or (NOBODY,):
            grouped.setdefault((record.pairing, reference), [])
    return [
        Duel(pairing, reference, rows) for (pairing, reference), rows in sorted(grouped.items())
    ]


def verdict(report: Findings) -> Status:
    """The worst of all; ERROR also if a pairing was not loaded, or compared with nothing."""
    found = {duel.verdict for duel in duels(report)}
    if report.notes or not found:
        found.add(Status.ERROR)
    return next(status for status in WORST_FIRST if status in found)


def failures(report: Findings, duel: Duel) -> list[Failure]:
    """What did not match in a duel: mismatches, then the rest, each in the order of computation."""
    record = next(record for record in report.records if record.pairing == duel.pairing)
    names = quantities.expected(record.network, slots=record.slots)
    order = {name: place for place, name in enumerate(names)}
    by_name: dict[tuple[str, Status, str], list[Row]] = {}
    for row in duel.rows:
        if row.status is not Status.MATCH:
            by_name.setdefault((row.name, row.status, kind(row)), []).append(row)
    probes = len({row.point for row in duel.rows} - {DATA})
    found = [
        Failure((name,), status, rows, probes=probes) for (name, status, _), rows in by_name.items()
    ]
    rank = {Status.MISMATCH: 0, Status.WAIVED: 2, Status.AT_FAULT: 3}
    found.sort(key=lambda failure: (rank.get(failure.status, 1), order[failure.name]))
    alike: dict[tuple[object, ...], list[Failure]] = {}
    for failure in found:
        row = failure.worst
        # A mismatch has numbers of its own, even if it is told in the same words.
        own = failure.name if failure.status is Status.MISMATCH or not row.cause else ""
        alike.setdefault((failure.status, own, row.cause, row.detail), []).append(failure)
    known = len({row.name for row in duel.rows})
    return [together(group, known) for group in alike.values()]


def together(alike: list[Failure], known: int) -> Failure:
    """One failure for several that have the same cause; ``known``: how many names there are."""
    names = tuple(dict.fromkeys(failure.name for failure in alike))
    rows = [row for failure in alike for row in failure.rows]
    return Failure(names, alike[0].status, rows, len(names) == known, alike[0].probes)


def kind(row: Row) -> str:
    """What sort of error or weakness it is: its cause without the numbers of this point."""
    if row.status in (Status.ERROR, Status.UNDECIDED):
        return masked(row.cause)
    return ""


def masked(text: str) -> str:
    """A text without its numbers."""
    return NUMBER.sub("#", text)


def sentence(report: Findings) -> str:
    """The verdict in one sentence, and in the same one what no verdict is on."""
    counts = Counter(row.status for row in report.rows)
    total = len(report.rows)
    if not total:
        return "Nothing was compared, and that is no match."
    empty = [
        f"no comparison of {duel.pairing}"
        + (f" with {duel.reference}" if duel.reference != NOBODY else "")
        for duel in duels(report)
        if not duel.rows
    ]
    noted = [f"{len(report.notes)} not loaded"] if report.notes else []
    left_out = [
        f"not compared{' of ' + record.pairing if len(report.records) > 1 else ''}, "
        f"for the subject gives none: {omitted(record.omits)}"
        for record in report.records
        if record.omits
    ]
    caveats = dict.fromkeys(each for record in report.records for each in record.caveats)
    left_out = [*by_chance(report), *caveats, *left_out]
    if counts[Status.MATCH] == total and not noted and not empty:
        return f"{'; '.join([f'All {total} comparisons match', *left_out])}."
    parts = ", ".join(f"{counts[status]} {status}" for status in SHOWN if counts[status])
    if counts[Status.AT_FAULT]:
        parts += " (the reference, not the subject)"
    return f"Of {total} comparisons: {'; '.join([parts, *noted, *empty, *left_out])}."


def by_chance(report: Findings) -> list[str]:
    """How many comparisons were judged by random rounding errors, and the chance in all of them."""
    count = sum(row.grade is Grade.STATISTICAL for row in report.rows)
    if not count:
        return []
    chance = sum(record.chance for record in report.records)
    return [
        f"{count} of them by random rounding errors, at a chance of {chance:.2g} of a false alarm"
    ]


def omitted(names: Iterable[str]) -> str:
    """Names that were not compared, those of one quantity together: ``activation (2 tensors)``."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.split("/")[0], []).append(name)
    return ", ".join(
        found[0] if len(found) == 1 else f"{quantity} ({len(found)} tensors)"
        for quantity, found in alike.items()
    )


def who(report: Findings) -> list[tuple[Status, str]]:
    """Which pairings came to which verdict against which references, the worst first."""
    every = duels(report)
    lines = []
    for status in WORST_FIRST:
        references: dict[str, list[str]] = {}
        for duel in every:
            if duel.verdict is status:
                references.setdefault(duel.pairing, []).append(duel.reference)
        pairings: dict[str, list[str]] = {}
        for pairing, names in references.items():
            pairings.setdefault(listed(names), []).append(pairing)
        if pairings:
            parts = [f"{listed(names)} against {whom}" for whom, names in pairings.items()]
            lines.append((status, "; ".join(parts)))
    return lines


def listed(names: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def figure(value: float | None) -> str:
    """A number in three digits, or nothing."""
    return "" if value is None else f"{value:.3g}"
