"""The rows of a report, a line for each tensor of a pairing: the worst row, and the weakest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backproof.comparison.judging.rows import Grade, Row, Status
from backproof.comparison.record.record import Record
from backproof.mathematics.network import quantities
from backproof.reports.findings import Findings
from backproof.reports.summary import WORST_FIRST

RANK = {status: place for place, status in enumerate(WORST_FIRST)}


@dataclass(eq=False)
class Tensor:
    """All comparisons of one tensor of a pairing, at all points, against all references."""

    worst: Row
    """Of those with the worst status, the one that uses most of its bound."""
    compared: int = 0
    statistical: int = 0
    power: float | None = None
    """The weakest."""
    bound_used: float | None = None
    digits: float | None = None
    """The fewest that the subject has right, against certified values."""

    @property
    def name(self) -> str:
        return self.worst.name

    @property
    def status(self) -> Status:
        return self.worst.status

    def take(self, row: Row) -> None:
        """Count a row in."""
        self.compared += 1
        self.statistical += row.grade is Grade.STATISTICAL
        known = self.worst
        if row.status is not known.status:
            worse = RANK[row.status] < RANK[known.status]
        else:
            worse = (row.bound_used or 0) > (known.bound_used or 0)
        if worse:
            self.worst = row
        self.power = most(self.power, row.power)
        self.bound_used = most(self.bound_used, row.bound_used)
        if row.subject_digits is not None:
            few = row.subject_digits
            self.digits = few if self.digits is None else min(few, self.digits)


@dataclass(frozen=True)
class Quantity:
    """All tensors of one quantity of a pairing."""

    name: str
    tensors: int
    compared: int
    statistical: int
    power: float | None
    bound_used: float | None
    digits: float | None
    status: Status


def most(one: float | None, other: float | None) -> float | None:
    """The larger of two, where either may not be known."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def tensors(report: Findings) -> dict[str, list[Tensor]]:
    """By pairing, in the order of computation."""
    found: dict[tuple[str, str, str], Tensor] = {}
    for row in report.rows:
        key = (row.pairing, row.quantity, row.tensor)
        if key not in found:
            found[key] = Tensor(row)
        found[key].take(row)
    by_pairing: dict[str, list[Tensor]] = {}
    for record in report.records:
        order = ordered(record)
        mine = [each for key, each in found.items() if key[0] == record.pairing]
        mine.sort(key=lambda each: order.get(each.name, len(order)))
        by_pairing[record.pairing] = mine
    return by_pairing


def ordered(record: Record) -> dict[str, int]:
    """The place of each name in the order of computation."""
    names = quantities.expected(record.network, slots=record.slots)
    return {name: place for place, name in enumerate(names)}


def by_quantity(every: Iterable[Tensor]) -> list[Quantity]:
    """The tensors of a pairing, added up by quantity."""
    grouped: dict[str, list[Tensor]] = {}
    for each in every:
        grouped.setdefault(each.worst.quantity, []).append(each)
    lines = []
    for name, group in grouped.items():
        power: float | None = None
        used: float | None = None
        for each in group:
            power, used = most(power, each.power), most(used, each.bound_used)
        digits = [each.digits for each in group if each.digits is not None]
        lines.append(
            Quantity(
                name.replace("_", " "),
                len(group),
                sum(each.compared for each in group),
                sum(each.statistical for each in group),
                power,
                used,
                min(digits, default=None),
                min((each.status for each in group), key=RANK.__getitem__),
            )
        )
    return lines
