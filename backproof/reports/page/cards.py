"""A card for each pairing: its verdict, what was found, what was not compared, how strong it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from backproof.comparison.bounds.certainty import affordable
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.record.exhibit import Correction, Exhibit
from backproof.comparison.record.record import DATA, Record
from backproof.mathematics.network import quantities
from backproof.reports import summary
from backproof.reports.findings import Findings
from backproof.reports.located import located
from backproof.reports.page import words
from backproof.reports.page.tensors import Quantity, Tensor, by_quantity, tensors
from backproof.reports.summary import NOBODY, WORST_FIRST, Duel, Failure
from backproof.reports.telling import grave, network_in_words, told_once

# Beyond this many tensors of a pairing and reference, only their names are given.
MOST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Shown:
    """A tensor that does not match, with its numbers and pictures."""

    failure: Failure
    exhibit: Exhibit | None
    shares: list[tuple[int, float]] | None
    """Step and difference ÷ bound, along the training."""

    @property
    def at_probes(self) -> list[Row]:
        """The rows at the probes, where it does not match."""
        return [row for row in self.failure.rows if row.point != DATA]


@dataclass(frozen=True, eq=False)
class Against:
    """What does not match against one reference, and against which others it is the same."""

    duel: Duel
    shown: list[Shown]
    alike: str


@dataclass(frozen=True, eq=False)
class Card:
    """All that is told of one pairing."""

    record: Record
    duels: list[Duel]
    tensors: list[Tensor]
    failing: list[Against]
    left_out: int

    @property
    def pairing(self) -> str:
        return self.record.pairing

    @cached_property
    def status(self) -> Status:
        """The worst of its verdicts."""
        found = {duel.verdict for duel in self.duels}
        return next((status for status in WORST_FIRST if status in found), Status.ERROR)

    @property
    def references(self) -> str:
        """Those against which it has that verdict, as far as there are any."""
        names = [duel.reference for duel in self.duels if duel.verdict is self.status]
        return summary.listed(names)

    @property
    def network(self) -> str:
        return network_in_words(self.record)

    @property
    def compared(self) -> int:
        return sum(len(duel.rows) for duel in self.duels)

    @property
    def wrong(self) -> int:
        """How many comparisons do not pass."""
        return sum(not row.status.passes for duel in self.duels for row in duel.rows)

    @cached_property
    def power(self) -> float | None:
        """The weakest of the gradients on the data."""
        return max((duel.power for duel in self.duels if duel.power is not None), default=None)

    @cached_property
    def bound_used(self) -> float | None:
        return max((d.bound_used for d in self.duels if d.bound_used is not None), default=None)

    @cached_property
    def quantities(self) -> list[Quantity]:
        return by_quantity(self.tensors)

    @property
    def statistical(self) -> int:
        return sum(each.statistical for each in self.tensors)

    @property
    def graded(self) -> bool:
        """Whether anything was judged by a bound."""
        return any(row.grade for duel in self.duels for row in duel.rows)

    @property
    def worst(self) -> Row | None:
        """The first row that has the verdict, and says why."""
        every = [shown.failure for against in self.failing for shown in against.shown]
        own = [failure.worst for failure in every if failure.status is self.status]
        told = [row for row in own if row.cause or row.detail]
        return next(iter(told or own), None)

    @property
    def cause(self) -> str:
        """Why it does not match, in a sentence."""
        if self.worst is not None:
            return self.worst.cause or self.worst.detail
        return "nothing was compared" if self.status is Status.ERROR else ""

    @property
    def place(self) -> str:
        """File and line that its cause names, or of its subject."""
        known = located(self.cause, self.record.place)
        return f"{known[0]}:{known[1]}" if known else ""

    @property
    def corrections(self) -> tuple[tuple[Correction, ...], ...]:
        """The mistakes of a diagnosis, where that is what the cause says."""
        found = self.record.corrections if self.status is Status.MISMATCH else ()
        told = found[0][0].stands if found and found[0] else ""
        return found if told and told in self.cause else ()

    @cached_property
    def definition(self) -> list[Markup]:
        """The definition's formulas of what is wrong; else of what first does not match."""
        record, found = self.record, self.corrections
        if self.worst is None or self.status is not Status.MISMATCH:
            return []
        places = [correction.place for correction in found[0]] if found else []
        for place in places:
            if told := words.defined(record.network, record.optimizer, f"delta/{place}"):
                return told
        return words.defined(record.network, record.optimizer, self.worst.name)

    @property
    def exhibit(self) -> Exhibit | None:
        """The numbers of the first tensor that does not match."""
        every = [shown.exhibit for against in self.failing for shown in against.shown]
        return next((each for each in every if each is not None and each.elements), None)

    @cached_property
    def not_compared(self) -> list[str]:
        """What no verdict is on, each in a clause."""
        record, found = self.record, []
        empty = [duel.reference for duel in self.duels if not duel.rows]
        if empty:
            whom = "any reference" if empty == [NOBODY] else summary.listed(empty)
            found.append(f"anything against {whom}")
        found += record.caveats
        if record.omits:
            found.append(f"{summary.omitted(record.omits)}: the subject gives none")
        possible = {name.split("/")[0] for name in quantities.expected(record.network)}
        skipped = [q for q in quantities.ALL if q in possible and q not in record.quantities]
        if skipped:
            told = summary.listed([name.replace("_", " ") for name in skipped])
            found.append(f"{told}: the pairing does not ask for it")
        if not record.saturates:
            found.append("the probes that saturate units: a loss of probabilities bears none")
        if not affordable(record):
            found.append("certified values: too large for them")
        near = {
            (row.point, row.step)
            for duel in self.duels
            for row in duel.rows
            if row.quantity == "accuracy" and row.detail and row.status is Status.MATCH
        }
        if near:
            points = f"{len(near)} point{'s' * (len(near) > 1)}"
            found.append(f"the class of samples within the bound of the threshold, at {points}")
        for status, what in (
            (Status.ERROR, "could not be made"),
            (Status.UNDECIDED, "left open: their bound is too wide to tell"),
            (Status.WAIVED, "waived"),
        ):
            count = sum(duel.counts[status] for duel in self.duels)
            if count:
                found.append(f"{count:,} comparison{'s' * (count > 1)} {what}")
        return found


def cards(report: Findings) -> list[Card]:
    """A card for each pairing, the worst verdicts first, else by name."""
    every, lines = summary.duels(report), tensors(report)
    made = []
    for record in report.records:
        mine = [duel for duel in every if duel.pairing == record.pairing]
        made.append(
            Card(
                record,
                mine,
                lines[record.pairing],
                list(failing(report, record, mine)),
                report.left_out.get(record.pairing, 0),
            )
        )
    return sorted(made, key=lambda card: WORST_FIRST.index(card.status))


def failing(report: Findings, record: Record, duels: list[Duel]) -> Iterator[Against]:
    """What does not match, once for references of which the same is to be said."""
    found = [(duel, grave(summary.failures(report, duel))) for duel in duels]
    exhibits = {(each.reference, each.name): each for each in record.exhibits}
    for duel, failures, alike in told_once([(duel, each) for duel, each in found if each]):
        steps = along(duel, failures[:MOST_SHOWN])
        shown = [
            Shown(
                failure, exhibits.get((duel.reference, failure.name)), steps.get(failure.name, [])
            )
            if single(failure)
            else Shown(failure, None, None)
            for failure in failures
        ]
        yield Against(duel, shown, alike)


def single(failure: Failure) -> bool:
    """Whether it is of the numbers of one tensor."""
    return failure.status is Status.MISMATCH and len(failure.names) == 1


def along(duel: Duel, failures: list[Failure]) -> dict[str, list[tuple[int, float]]]:
    """By name, difference ÷ bound at each step on the data, where there is more than one."""
    wanted = {quantities.split(failure.name): failure.name for failure in failures}
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in wanted.values()}
    for row in duel.rows:
        if row.point == DATA and row.bound_used is not None:
            name = wanted.get((row.quantity, row.tensor))
            if name is not None:
                found[name].append((row.step, row.bound_used))
    return {name: sorted(steps) for name, steps in found.items() if len(steps) > 1}
