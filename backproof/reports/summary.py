"""What terminal and Markdown both say: counts by pairing and reference, and failures in groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from backproof import quantities
from backproof.comparison.rows import Row, Status
from backproof.probes import PROBES
from backproof.record import DATA
from backproof.reports.report import Report

# The statuses in the order in which tables show them.
SHOWN = (Status.MATCH, Status.MISMATCH, Status.UNDECIDED, Status.ERROR, Status.WAIVED)


@dataclass(frozen=True, eq=False)
class Duel:
    """One pairing against one reference."""

    pairing: str
    reference: str
    rows: list[Row]

    @property
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
        """The worst status."""
        order = (Status.MISMATCH, Status.ERROR, Status.UNDECIDED, Status.WAIVED)
        return next((status for status in order if self.counts[status]), Status.MATCH)


@dataclass(frozen=True, eq=False)
class Failure:
    """All rows of one name, in one duel, with one status that is not MATCH."""

    name: str
    status: Status
    rows: list[Row]

    @property
    def worst(self) -> Row:
        """The row that takes up most of its bound; the first of equals."""
        return max(self.rows, key=lambda row: row.bound_used or 0)

    @property
    def where(self) -> str:
        """The points concerned, steps on the data being counted."""
        steps = [row.step for row in self.rows if row.point == DATA]
        probes = [row.point for row in self.rows if row.point != DATA]
        parts = []
        if steps:
            parts.append(
                f"step {steps[0]}" if len(steps) == 1 else f"{len(steps)} steps from {steps[0]}"
            )
        if len(probes) == len(PROBES):
            parts.append("all probes")
        elif probes:
            parts.append(f"probe{'s' * (len(probes) > 1)} {', '.join(probes)}")
        return "; ".join(parts)


def duels(report: Report) -> list[Duel]:
    """Every pairing × reference, in the order of the rows."""
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in report.rows:
        grouped.setdefault((row.pairing, row.reference), []).append(row)
    return [Duel(pairing, reference, rows) for (pairing, reference), rows in grouped.items()]


def failures(report: Report, duel: Duel) -> list[Failure]:
    """What did not match in a duel, in the order of computation."""
    network = next(record.network for record in report.records if record.pairing == duel.pairing)
    order = {name: place for place, name in enumerate(quantities.expected(network))}
    grouped: dict[tuple[str, Status], list[Row]] = {}
    for row in duel.rows:
        if row.status is not Status.MATCH:
            grouped.setdefault((row.name, row.status), []).append(row)
    found = [Failure(name, status, rows) for (name, status), rows in grouped.items()]
    return sorted(found, key=lambda failure: (order[failure.name], SHOWN.index(failure.status)))


def sentence(report: Report) -> str:
    """The verdict in one sentence."""
    counts = Counter(row.status for row in report.rows)
    total = len(report.rows)
    if not total:
        return "Nothing was compared, and that is no match."
    if counts[Status.MATCH] == total and not report.notes:
        return f"All {total} comparisons match."
    parts = [f"{counts[status]} {status}" for status in SHOWN if counts[status]]
    noted = f"; {len(report.notes)} not loaded" if report.notes else ""
    return f"Of {total} comparisons: {', '.join(parts)}{noted}."


def figure(value: float | None) -> str:
    """A number in three digits, or nothing."""
    return "" if value is None else f"{value:.3g}"
