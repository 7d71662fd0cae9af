"""What every report for a person takes from the rows and records: one telling, several media."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backproof.comparison.judging.rows import SHARED_WAY, WAY, Grade, Status
from backproof.mathematics.probes.probes import PROBES
from backproof.reports import summary
from backproof.reports.summary import Duel, Failure

if TYPE_CHECKING:
    from backproof.comparison.judging.rows import Row
    from backproof.comparison.pairing.pairing import Waiver
    from backproof.comparison.record.record import Record
    from backproof.reports.findings import Findings


def grave(found: list[Failure]) -> list[Failure]:
    """The failures that no waiver lets pass, and that are not the reference's own."""
    return [failure for failure in found if not failure.status.passes]


def told_once(
    failing: list[tuple[Duel, list[Failure]]],
) -> list[tuple[Duel, list[Failure], str]]:
    """The duels, without those that would say the same of a further reference, which are named."""
    alike: dict[tuple[object, ...], list[tuple[Duel, list[Failure]]]] = {}
    for duel, found in failing:
        key = (duel.pairing, *(failure.gist(duel.reference) for failure in found))
        alike.setdefault(key, []).append((duel, found))
    return [
        (*group[0], summary.listed([duel.reference for duel, _ in group[1:]]))
        for group in alike.values()
    ]


def waivers(report: Findings) -> list[tuple[str, Waiver, str]]:
    """Every waiver with its pairing, and what has become of it."""
    lines = []
    for record in report.records:
        for waiver in record.waivers:
            named = [
                row
                for row in report.rows
                if row.pairing == record.pairing
                and f"{row.reference}/{row.name}" == waiver.comparison
            ]
            passed = sum(row.status == "WAIVED" for row in named)
            if not named:
                state = "names no comparison"
            elif waiver.expires < report.today:
                state = "expired"
            else:
                state = f"lets {passed} of {len(named)} pass" if passed else "not needed: remove it"
            lines.append((record.pairing, waiver, state))
    return lines


def open_samples(report: Findings) -> list[tuple[str, str, Row]]:
    """Pairing, references and one row for each sentence about samples near the threshold."""
    alike: dict[tuple[str, str, int, str], list[Row]] = {}
    for row in report.rows:
        if row.quantity == "accuracy" and row.detail and row.status == "MATCH":
            alike.setdefault((row.pairing, row.point, row.step, row.detail), []).append(row)
    return [
        (rows[0].pairing, summary.listed([row.reference for row in rows]), rows[0])
        for rows in alike.values()
    ]


def along_one_way(report: Findings) -> list[tuple[str, str, int, float]]:
    """Pairing, references, how many such comparisons with each, and the weakest one's power."""
    found: dict[str, dict[str, list[Row]]] = {}
    for row in report.rows:
        if row.detail in (WAY, SHARED_WAY) and row.status == Status.MATCH:
            found.setdefault(row.pairing, {}).setdefault(row.reference, []).append(row)
    lines: dict[tuple[str, int, float], list[str]] = {}
    for pairing, by_reference in found.items():
        for reference, rows in by_reference.items():
            power = max(row.power or 0.0 for row in rows)
            lines.setdefault((pairing, len(rows), power), []).append(reference)
    return [(key[0], summary.listed(who), *key[1:]) for key, who in lines.items()]


def at_random(report: Findings) -> list[tuple[str, str, str, int, float, float]]:
    """What was judged by random rounding errors, by pairing, reference and quantity.

    Then how many comparisons, the weakest power, and the largest share of a bound that was used.
    """
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in report.rows:
        if row.grade == Grade.STATISTICAL:
            found.setdefault((row.pairing, row.reference, row.quantity), []).append(row)
    return [
        (
            *key,
            len(rows),
            max(row.power or 0.0 for row in rows),
            max(row.bound_used or 0.0 for row in rows),
        )
        for key, rows in found.items()
    ]


def digits_of(duel: Duel) -> list[tuple[str, str, str, int, float, float]]:
    """For each quantity: pairing, reference, points, and the fewest digits of either side."""
    lines = []
    for quantity in dict.fromkeys(row.quantity for row in duel.rows):
        pairs = [
            (row.subject_digits, row.reference_digits)
            for row in duel.rows
            if row.quantity == quantity
        ]
        known = [(s, r) for s, r in pairs if s is not None and r is not None]
        if known:
            subject, reference = (min(column) for column in zip(*known, strict=True))
            lines.append((duel.pairing, duel.reference, quantity, len(known), subject, reference))
    return lines


def probed(failures: list[Failure]) -> list[tuple[str, str]]:
    """Each probe at which something does not match, and what it is, in a line."""
    names = {row.point for failure in failures for row in failure.rows}
    return [
        (name, (make.__doc__ or "").splitlines()[0])
        for name, make in PROBES.items()
        if name in names
    ]


def network_in_words(record: Record) -> str:
    """``2 → 10 relu → 1 sigmoid, binary_cross_entropy, l2 0.005``."""
    network = record.network
    came = "×".join(map(str, network.input_shape))
    parts = [" → ".join([came, *(node.layer.summary() for node in network.nodes)])]
    parts.append(network.loss.kind)
    for penalty in network.penalties:
        over = " over the samples" if penalty.batch == "mean" else ""
        parts += [f"{kind} {getattr(penalty, kind):g}{over}" for kind in penalty.orders()]
    return ", ".join(parts)


def gap(row: Row) -> float | None:
    """The difference at the worst element, which need not be the largest; None if unknown."""
    if not row.bound or row.bound_used is None:
        return 0.0 if row.bound_used == 0 else None
    return row.bound * row.bound_used
