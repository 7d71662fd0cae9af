"""The page: one HTML file with all that it needs, from the report alone."""

from __future__ import annotations

import shlex
from functools import cache
from importlib.resources import files
from math import floor, inf, isinf
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from backproof.comparison.judging.rows import Status
from backproof.mathematics.probes.probes import PROBES
from backproof.reports import summary
from backproof.reports.harmless import printable
from backproof.reports.page import pictures, words
from backproof.reports.page.cards import MOST_SHOWN, Card, cards
from backproof.reports.summary import Duel, Failure
from backproof.reports.telling import gap, waivers

if TYPE_CHECKING:
    import jinja2

    from backproof.comparison.judging.rows import Row

# Beside each colour, for who cannot tell them apart.
SIGNS = {
    Status.MATCH: "✓",
    Status.MISMATCH: "✕",
    Status.UNDECIDED: "?",
    Status.ERROR: "!",
    Status.WAIVED: "~",
    Status.AT_FAULT: "⚑",
}
# Of so many pairings that fail the cause is told in full before all else; of others, in a line.
MOST_HEROES = 3
# Runs of a history that a picture shows: more are too near to each other to be told apart.
MOST_RUNS = 60


def render(report: Any) -> str:
    """The whole page, a deterministic function of a `Report`."""
    return filled("page.html.j2", report)


def fragment(report: Any) -> str:
    """What a notebook shows: verdict, cause and what was not compared; the cards are folded."""
    return filled("notebook.html.j2", report)


def filled(template: str, report: Any) -> str:
    """A template with all that is told of a report."""
    every = cards(report)
    weakest = max((card for card in every if card.power), key=power_of, default=None)
    text: str = (
        environment()
        .get_template(template)
        .render(
            report=report,
            cards=every,
            failing=[card for card in every if not card.status.passes],
            anchors={card.pairing: f"pairing-{place}" for place, card in enumerate(every, 1)},
            headline=headline(report),
            briefly=briefly(report, every),
            heroes=MOST_HEROES,
            strength=floor(words.digit_count(weakest.power) or 0) if weakest else 0,
            weakest=weakest and weakest.pairing,
            chances=summary.by_chance(report),
            left_out=left_out(every),
            scope=scope(),
            trends=trends(report),
            waivers=waivers(report),
            at_fault=at_fault(report, every),
            probes=[(name, words.probe(name)) for name in PROBES if name in points(report)],
            environment=list(flat(report.environment)),
            css=Markup(resource("page.css")),
            js=Markup(resource("page.js")),
        )
    )
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def at_fault(report: Any, every: list[Card]) -> list[tuple[Duel, Failure]]:
    """The references that are wrong, and not the subject."""
    return [
        (duel, failure)
        for card in every
        for duel in card.duels
        if duel.counts[Status.AT_FAULT]
        for failure in summary.failures(report, duel)
        if failure.status is Status.AT_FAULT
    ]


@cache
def environment() -> jinja2.Environment:
    """Jinja2 for HTML: everything is escaped, and control characters are written out."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("backproof.reports.page", "."),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=harmless,
    )
    made.filters |= {
        "number": words.number,
        "share": words.share,
        "digits": words.digits,
        "digit_count": words.digit_count,
        "exactly": words.exactly,
        "beside": words.beside,
        "formula": words.formula,
        "parted": words.parted,
        "sentence": words.sentence_of,
        "probe": words.probe,
        "quoted": shlex.quote,
        "difference": difference,
        "sortable": sortable,
        "bar": pictures.bar,
        "heatmap": pictures.heatmap,
        "along": pictures.along,
        "slopes": pictures.slopes,
    }
    made.globals |= {
        "signs": SIGNS,
        "levels": [name for _, name in pictures.LEVELS],
        "most": MOST_SHOWN,
    }
    return made


def harmless(value: Any) -> Any:
    """What is written of a value: nothing moves the direction of a text, or ends it."""
    return value if isinstance(value, Markup) else printable(value).replace("\n", " ")


def difference(row: Row) -> float | None:
    """That of the element that uses most of its bound; where nothing is allowed, the largest."""
    return row.max_abs_diff if row.bound_used == inf else gap(row)


def sortable(value: float | None) -> str:
    """A number for JavaScript to sort by; what is unknown comes first."""
    if value is None:
        return ""
    return "Infinity" if isinf(value) else repr(float(value))


def headline(report: Any) -> str:
    """The verdict in a sentence, where nothing is wrong."""
    total = len(report.rows)
    if report.status is Status.MATCH:
        return f"All {total:,} comparisons match."
    return summary.sentence(report)


def briefly(report: Any, every: list[Card]) -> str:
    """The same for the head of the page, which stays in sight."""
    wrong = sum(card.wrong for card in every)
    if not wrong:
        return headline(report)
    return f"{wrong:,} of {len(report.rows):,} comparisons do not pass"


def trends(report: Any) -> list[tuple[str, str, list[tuple[int, float]]]]:
    """Pairing, reference, and the share of a bound in each run, where there is a history."""
    found: dict[tuple[str, str], list[float | None]] = {}
    for entry in report.history or ():
        found.setdefault((entry.pairing, entry.reference), []).append(entry.bound_used)
    return [
        (duel.pairing, duel.reference, shares)
        for duel in (summary.duels(report) if found else ())
        if (shares := numbered(found.get((duel.pairing, duel.reference), [])))
    ]


def numbered(values: list[float | None]) -> list[tuple[int, float]]:
    """The number of each run, from 1, and its value, where it has one; the latest runs alone."""
    every = [(run, value) for run, value in enumerate(values, 1) if value is not None]
    return every[-MOST_RUNS:]


def left_out(every: list[Card]) -> list[tuple[str, str]]:
    """What was not compared, and of which pairings."""
    found: dict[str, list[str]] = {}
    for card in every:
        for what in card.not_compared:
            found.setdefault(what, []).append(card.pairing)
    return [(what, summary.listed(names)) for what, names in found.items()]


def power_of(card: Card) -> float:
    """For the weakest of several."""
    return card.power or 0.0


def points(report: Any) -> set[str]:
    """The points of all rows."""
    return {row.point for row in report.rows}


def scope() -> list[str]:
    """What a match does not prove, as report.md says it."""
    text = files("backproof.reports.formats").joinpath("scope.md").read_text(encoding="utf-8")
    return [" ".join(each.split()) for each in text.removeprefix("- ").split("\n- ")]


def flat(known: dict[str, Any]) -> list[tuple[str, Any]]:
    """The environment, a line each, as report.md has it."""
    lines: list[tuple[str, Any]] = []
    for key, value in sorted(known.items()):
        lines += sorted(value.items()) if isinstance(value, dict) else [(key, value)]
    return lines


def resource(name: str) -> str:
    """A file beside this one."""
    return files("backproof.reports.page").joinpath(name).read_text(encoding="utf-8")
