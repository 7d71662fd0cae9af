"""The report says what elementary functions were measured to err, and what they are charged."""

from __future__ import annotations

import csv

from backproof.comparison.bounds.models import traits_of
from backproof.mathematics.arithmetic.rounding.model import CHARGED, TABLE, Rounding
from tests.reports.sample import MATCHING, made


def charges_shown() -> dict[str, list[str]]:
    lines = made(MATCHING).to_markdown().splitlines()
    start = next(
        i for i, line in enumerate(lines) if line.startswith("| implementation") and "exp" in line
    )
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[name] = cells
    return rows


def test_what_was_measured_and_charged_is_shown_for_every_implementation():
    shown = charges_shown()
    assert {"subject", MATCHING.reference} <= shown.keys()
    table = [
        line
        for line in csv.DictReader(TABLE.read_text().splitlines())
        if line["dtype"] == "float64"
    ]
    for name, cells in shown.items():
        who = {"numpy", "scipy"} if name == "subject" else {name}
        modes = {"keras": ("graph", "eager"), "jax": ("jit",)}.get(name, ("eager",))
        for function, cell in zip(CHARGED, cells, strict=True):
            measured, _, charged = cell.partition(" / ")
            ulps = [
                float(line["ulps"])
                for line in table
                if line["implementation"] in who
                and line["mode"] in modes
                and line["function"] == function
            ]
            assert measured == (f"{max(ulps):.2f}" if ulps else "–")
            assert float(charged) == Rounding.declared(traits_of(name), "float64").ulps(function)
            assert not ulps or max(ulps) <= float(charged)
