"""report.md: the report for a person."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproof.comparison.bounds.certainty import affordable
from backproof.comparison.bounds.models import traits_of
from backproof.comparison.judging.rows import Status
from backproof.comparison.record.record import SUBJECT
from backproof.mathematics.arithmetic.rounding.model import CHARGED, HALF, Rounding, measured
from backproof.reports import summary
from backproof.reports.formats import Format
from backproof.reports.harmless import code, for_markdown
from backproof.reports.summary import SHOWN, figure
from backproof.reports.telling import (
    along_one_way,
    at_random,
    digits_of,
    gap,
    grave,
    network_in_words,
    open_samples,
    probed,
    told_once,
    waivers,
)

if TYPE_CHECKING:
    import jinja2

    from backproof.comparison.judging.rows import Row
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


def remedy(record: Record) -> str:
    """What to do about what does not match in a pairing."""
    name = shlex.quote(record.pairing)
    where = f"the subject is written at {for_markdown(record.place)}; " if record.place else ""
    return (
        f"{where}{code(f'backproof explain {name}')} derives what each gradient should be, and "
        f"{code(f'backproof verify --only {name}')} judges a change."
    )


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


PART = Format("report_md", "report.md", render)
