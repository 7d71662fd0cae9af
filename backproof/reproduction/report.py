"""The report of a reproduction: Markdown for a person, CSV for a program; and the evidence to keep.

The *evidence*, ``published.md`` and ``published.csv``, says the same without what depends on the
machine: digits beyond those demanded, and pictures. It is what a project commits.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backproof.implementations.host.files import write_together
from backproof.implementations.host.installation import to_install
from backproof.reports.formats.report_md import aligned, environment
from backproof.reproduction import figures
from backproof.reproduction.errata import Exposure
from backproof.reproduction.figures import NAMES, Picture
from backproof.reproduction.judging import PASSING, Line, Told, Verdict
from backproof.reproduction.recipe import SUBJECT
from backproof.reproduction.run import Result

TEMPLATE = "reproduction.md.j2"
FIGURES = "figures"


def write(result: Result, folder: Path, environment: Mapping[str, Any]) -> None:
    """Write ``reproduction.md``, ``.csv`` and ``figures/``; after a whole run the evidence too."""
    files: dict[str, str | bytes] = {}
    pictures: list[Picture] = []
    notes: list[str] = []
    if importlib.util.find_spec("matplotlib") is None:
        notes.append(f"Matplotlib is not installed: {to_install('plots')}")
    else:
        pictures = list(figures.draw(result.outcomes))
        files = {f"{FIGURES}/{each.file}": each.png for each in pictures if each.png}
    files |= {
        "reproduction.md": markdown(result, environment, pictures, notes),
        "reproduction.csv": table(result, exact=True),
    }
    if result.whole:
        files |= {"published.md": markdown(result), "published.csv": table(result)}
    write_together(folder, files)


def markdown(
    result: Result,
    versions: Mapping[str, Any] | None = None,
    pictures: list[Picture] | None = None,
    notes: list[str] | None = None,
) -> str:
    """The report; without versions the evidence, which is free of what depends on the machine."""
    exact = versions is not None
    text: str = (
        environment("backproof.reproduction")
        .get_template(TEMPLATE)
        .render(
            result=result,
            exact=exact,
            sentence=sentence(result),
            verdicts=[v for v in Verdict if v in PASSING or result.count(v)],
            systems=[section(result, system, exact) for system in result.systems],
            names=NAMES,
            pictures=pictures or [],
            notes=[*result.notes, *(notes or [])],
            problems=result.problems,
            versions=versions or {},
            figures=FIGURES,
        )
    )
    return aligned(re.sub(r"\n{3,}", "\n\n", text)).strip() + "\n"


def sentence(result: Result) -> str:
    """The verdict in one sentence."""
    total = len(result.lines)
    parts = [f"{result.count(v)} {v}" for v in Verdict if result.count(v)]
    return f"Of {total} published numbers: {', '.join(parts) or 'none judged'}."


def section(result: Result, system: str, exact: bool) -> dict[str, Any]:
    """What the template shows of a system."""
    lines = [line for line in result.lines if line.published.system == system]
    outcome = result.outcomes.get(system)
    return {
        "name": system,
        "article": outcome.reproduction.article if outcome else "",
        "remarks": outcome.reproduction.remarks if outcome else (),
        "lines": lines,
        "counts": {v: sum(line.verdict is v for line in lines) for v in Verdict},
        "determined": [
            {"line": line, "cells": cells(line, result.references, exact)}
            for line in lines
            if line.published.determined
        ],
        "random": [
            {"line": line, "cells": cells(line, result.references, exact)}
            for line in lines
            if not line.published.determined
        ],
        "measured": any(line.determined_digits is not None for line in lines),
        "errata": [
            {
                "erratum": erratum,
                "exposed": exposed(outcome.exposures.get(erratum.name)),
                "effects": outcome.effects.get(erratum.name, ()),
            }
            for erratum in outcome.reproduction.errata
        ]
        if outcome
        else [],
    }


def exposed(found: Exposure | None) -> str:
    """The comparison that exposes an erratum, in a sentence; sizes to two digits."""
    if found is None:
        return ""
    others = len(found.tensors) - 1
    more = f", and {others} more tensor{'s' * (others > 1)}" if others else ""
    cause = f". The gate's diagnosis: {found.cause}" if found.cause else ""
    return (
        f"`{found.name}` at step {found.step}, off by {found.difference:.2g} where rounding allows "
        f"{found.bound:.2g}{more}{cause}"
    )


def cells(line: Line, references: tuple[str, ...], exact: bool) -> dict[str, str]:
    """The columns of a line, by name; empty where there is nothing to say."""
    published = line.published
    own = line.told.get(SUBJECT)
    found = {
        "system": published.system,
        "quantity": published.key.quantity,
        "index": "" if published.key.index is None else str(published.key.index),
        "step": "" if published.key.step is None else str(published.key.step),
        "published": published.text,
        "determined": "yes" if published.determined else "no",
    }
    if exact:
        found["obtained"] = number(own)
    found["matching_digits"] = digits(line, own, exact)
    found["determined_digits"] = determined(line, exact)
    for who in references:
        told = line.told.get(who)
        if exact:
            found[f"{who}_obtained"] = number(told)
        found[f"{who}_digits"] = digits(line, told, exact)
    spread = line.spread
    show = ".6g" if exact else ".3g"
    found |= {
        "seeds": str(spread.seeds) if spread else "",
        "low": format(spread.low, show) if spread else "",
        "high": format(spread.high, show) if spread else "",
        "quantile": f"{spread.quantile:.2f}" if spread else "",
        "verdict": str(line.verdict),
    }
    if exact:
        found["reason"] = line.why
    return found


def number(told: Told | None) -> str:
    """A number with all its digits."""
    if told is None or told.obtained is None:
        return ""
    value = told.obtained
    return f"{value:.0f}" if value.is_integer() and abs(value) >= 10 else repr(value)


def digits(line: Line, told: Told | None, exact: bool) -> str:
    """How many digits agree, of how many.

    In the evidence: all of them, or as many as are demanded, for what lies beyond those is the
    machine's.
    """
    if told is None:
        return ""
    if told.digits is None:
        return str(told.verdict)
    printed, demanded = line.published.printed_digits, line.published.at_least
    if not exact and demanded is not None and told.verdict in PASSING:
        return f"{demanded} or more of {printed}"
    if told.digits == printed:
        return f"all {printed}"
    shown = f"{told.digits:.1f}" if exact else f"{math.floor(told.digits)}"
    return f"{shown} of {printed}"


def determined(line: Line, exact: bool) -> str:
    """How many digits rounding leaves, where not every printed one must agree."""
    if line.determined_digits is None or line.published.at_least is None:
        return ""
    if exact:
        return f"{line.determined_digits:.1f}"
    found, demanded = math.floor(line.determined_digits), line.published.at_least
    return str(found) if found < demanded else f"{demanded} or more"


def table(result: Result, *, exact: bool = False) -> str:
    """All lines as CSV."""
    rows = [cells(line, result.references, exact) for line in result.lines]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["system"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
