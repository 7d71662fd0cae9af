"""report.md: the report for a person."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproof.comparison.bounds.bounds import traits_of
from backproof.comparison.bounds.certainty import affordable
from backproof.comparison.judging.rows import SHARED_WAY, WAY, Grade, Status
from backproof.comparison.record.record import SUBJECT
from backproof.mathematics.arithmetic.rounding.model import CHARGED, HALF, Rounding, measured
from backproof.mathematics.probes.probes import PROBES
from backproof.reports import summary
from backproof.reports.formats import Format
from backproof.reports.harmless import code, for_markdown
from backproof.reports.summary import SHOWN, Duel, Failure, figure

if TYPE_CHECKING:
    import jinja2

    from backproof.comparison.judging.rows import Row
    from backproof.comparison.pairing.pairing import Waiver
    from backproof.comparison.record.record import Record
    from backproof.reports.findings import Findings

# The rows of the table of worst comparisons.
WORST = 10
# Beyond this many tensors of a pairing and reference, only their names are given.
MOST_DETAILED = 8


def render(report: Findings) -> str:
    """The template ``report.md.j2``, filled."""
    every = summary.duels(report)
    failing = [(duel, summary.failures(report, duel)) for duel in every]
    told = told_once([(duel, grave(found)) for duel, found in failing if grave(found)])
    text: str = (
        environment()
        .get_template("report.md.j2")
        .render(
            report=report,
            sentence=summary.sentence(report),
            who=summary.who(report),
            most_detailed=MOST_DETAILED,
            duels=every,
            shown=[s for s in SHOWN if s == "MATCH" or any(duel.counts[s] for duel in every)],
            failing=told,
            tables={record.pairing: record.tables for record in report.records},
            remedies={record.pairing: remedy(record) for record in report.records},
            probed=probed([failure for _, found, _ in told for failure in found]),
            at_fault=[(d, f) for d, found in failing for f in found if f.status == Status.AT_FAULT],
            waived=[(duel, f) for duel, found in failing for f in found if f.status == "WAIVED"],
            waivers=waivers(report),
            nearest=worst(report, "bound_used"),
            weakest=worst(report, "power"),
            named=open_samples(report),
            along=along_one_way(report),
            random=at_random(report),
            chance=sum(record.chance for record in report.records),
            digits=[line for duel in every for line in digits_of(duel)],
            functions=CHARGED,
            charges=list(charges_of(report)),
            precisions=list(precisions_of(report)),
            uncertified=[record.pairing for record in report.records if not affordable(record)],
            compared=[
                (record, network_in_words(record), record.hashes()) for record in report.records
            ],
        )
    )
    return aligned(text) + "\n"


def environment(package: str = "backproof.reports.formats") -> jinja2.Environment:
    """Jinja2 for Markdown, with a package's templates.

    Nothing is escaped by itself: a template says what is `plain` text and what is `code`. Nothing
    may be undefined.
    """
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "."),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    made.filters["figure"] = figure
    made.filters["plain"] = for_markdown
    made.filters["code"] = code
    made.filters["gap"] = gap
    made.filters["grouped"] = summary.omitted
    return made


def gap(row: Row) -> float | None:
    """The difference at the worst element, which need not be the largest; None if unknown."""
    if not row.bound or row.bound_used is None:
        return 0.0 if row.bound_used == 0 else None
    return row.bound * row.bound_used


def aligned(text: str) -> str:
    """The same Markdown, with its tables in columns for who reads it raw."""
    done: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        else:
            done += table(rows) if rows else []
            rows = []
            done.append(line)
    return "\n".join(done).rstrip("\n")


def table(rows: list[list[str]]) -> list[str]:
    """The lines of one table; the second row is the one of dashes, with its colons."""
    if len({len(row) for row in rows}) > 1:
        return [f"| {' | '.join(row)} |" for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    right = [cell.endswith(":") for cell in rows[1]]
    rows[1] = [
        "-" * (width - 1) + ":" if end else "-" * width
        for width, end in zip(widths, right, strict=True)
    ]
    return [
        "| "
        + " | ".join(
            cell.rjust(width) if end else cell.ljust(width)
            for cell, width, end in zip(row, widths, right, strict=True)
        )
        + " |"
        for row in rows
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


def remedy(record: Record) -> str:
    """What to do about what does not match in a pairing."""
    name = shlex.quote(record.pairing)
    where = f"the subject is written at {for_markdown(record.place)}; " if record.place else ""
    return (
        f"{where}{code(f'backproof explain {name}')} derives what each gradient should be, and "
        f"{code(f'backproof verify --only {name}')} judges a change."
    )


def probed(failures: list[Failure]) -> list[tuple[str, str]]:
    """Each probe at which something does not match, and what it is, in a line."""
    names = {row.point for failure in failures for row in failure.rows}
    return [
        (name, (make.__doc__ or "").splitlines()[0])
        for name, make in PROBES.items()
        if name in names
    ]


def worst(report: Findings, column: str) -> list[Row]:
    """The rows with the largest value, one for each tensor of a pairing, whatever the reference."""
    best: dict[tuple[str, str], Row] = {}
    for row in report.rows:
        value = getattr(row, column)
        if value is None or row.power is None:
            continue
        key = (row.pairing, row.name)
        if key not in best or value > getattr(best[key], column):
            best[key] = row
    return sorted(best.values(), key=lambda row: -getattr(row, column))[:WORST]


def charges_of(report: Findings) -> Iterator[tuple[str, list[str]]]:
    """For each implementation: what its functions were measured to err, and are charged."""
    for dtype, implementation, known in implementations(report):
        model = Rounding.declared(traits_of(implementation), dtype, calibrated=known)
        lines = measured(traits_of(implementation), dtype)
        cells = []
        for function in CHARGED:
            ulps = [float(line["ulps"]) for line in lines if line["function"] == function]
            found = f"{max(ulps):.2f}" if ulps else "–"
            cells.append(f"{found} / {model.ulps(function):g}")
        yield implementation, cells


def implementations(report: Findings) -> list[tuple[str, str, bool]]:
    """Dtype and name of each, and whether its measured half precision counts."""
    found = {
        (record.dtype, name, name in record.calibrated): None
        for record in report.records
        for name in (SUBJECT, *record.references)
    }
    return sorted(found, key=lambda each: (each[0], each[1] != SUBJECT))


def precisions_of(report: Findings) -> Iterator[tuple[str, str, str]]:
    """For each reference in half precision: what its operations are charged to compute in."""
    for dtype, implementation, known in implementations(report):
        if dtype not in HALF or implementation == SUBJECT:
            continue
        by_precision: dict[str, list[str]] = {}
        for operation, precision, _ in Rounding.declared(
            traits_of(implementation), dtype, calibrated=known
        ).inside:
            by_precision.setdefault(precision, []).append(operation)
        wider = [f"{p}: {', '.join(by_precision[p])}" for p in by_precision if p != dtype]
        if known:
            yield implementation, dtype, f"{'; '.join(wider)}. All else is charged in {dtype}."
        else:
            yield (
                implementation,
                dtype,
                f"all is charged in {dtype} itself: the model is one of your own, or what was "
                "measured of this framework does not hold with these versions on this processor.",
            )


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


PART = Format("report_md", "report.md", render)
