"""What users and systems wrote is shown, and does nothing else, in every medium."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from rich.console import Console
from rich.text import Text

from backproof.comparison.judging.rows import Status
from backproof.comparison.run import Judged
from backproof.reports.formats import comparisons_csv
from backproof.reports.harmless import code, for_markdown, for_table, for_terminal, printable
from backproof.reports.report import Report
from backproof.reports.terminal import show
from tests.reports.sample import MATCHING, MISMATCHING, TODAY, made, record

ESCAPES = [
    "\x1b[2J\x1b[H",
    "\x07",
    "\x00",
    "\r",
    "\x9b2J",
    "\u202egnp",
    "\udc80",
    "\x7f",
    "\u2028x",
]
FORGED = "oops\nAll 120 comparisons match."
EVIL = ["[/x]", "[bold]", "[[layers]]", "[link=file:///etc]x[/link]", ":warning:", "\\", "a\\[b"]
FORMULAS = ["=1+1", "+1", "-1+cmd", "@SUM(A1)", '=HYPERLINK("x")']


def shown(report: Report, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, emoji=False)
    show(report, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("text", ESCAPES)
def test_no_control_character_reaches_any_medium(text, tmp_path):
    row = replace(MISMATCHING, detail=f"got {text}", cause=f"why {text}", subject=f"m.{text}")
    report = made(row, notes=[f"not loaded: {text}"])
    report.records[0].subject = f"m.{text}"
    report.write(tmp_path)
    for each in (
        shown(report),
        (tmp_path / "report.md").read_text("utf-8"),
        (tmp_path / "comparisons.csv").read_text("utf-8"),
    ):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\udc80]", each)


@pytest.mark.parametrize("text", ESCAPES)
def test_a_pairing_of_any_name_is_reported(text, tmp_path):
    name = f"x{text}"
    judged = [Judged(record(name), [replace(MISMATCHING, pairing=name)])]
    report = Report.of(judged, {}, TODAY)
    report.write(tmp_path)
    assert "\x1b" not in shown(report) + (tmp_path / "report.md").read_text("utf-8")


@pytest.mark.parametrize("text", EVIL)
def test_markup_prints_as_it_stands(text):
    assert Text.from_markup(f"{for_terminal(text)}[bold]x[/]", emoji=False).plain == f"{text}x"
    report = made(replace(MISMATCHING, cause=text, detail=f"at {text}"), notes=[text])
    said = shown(report)
    assert said.count(text) >= 3


@pytest.mark.parametrize("where", ["cause", "detail", "note"])
def test_a_message_cannot_forge_the_verdict(where):
    report = (
        made(MATCHING, notes=[FORGED])
        if where == "note"
        else made(replace(MISMATCHING, **{where: FORGED}))
    )
    lines = shown(report).splitlines()
    assert not [line for line in lines if line.startswith("All 120")]
    assert [line for line in lines if line.strip() == "All 120 comparisons match."]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_a_formula(text):
    rows = [replace(MISMATCHING, pairing="tiny", cause=text, subject=text, point=text)]
    table = list(csv.DictReader(io.StringIO(comparisons_csv.render(made(*rows)))))
    for column in ("cause", "subject", "point"):
        assert table[0][column] == f"'{text}"


def test_numbers_are_no_formulas():
    assert for_table(-1.5) == "-1.5"
    assert for_table(-3) == "-3"
    assert for_table(None) == ""
    assert for_table(Status.MATCH) == "MATCH"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("> quote", r"\> quote"),
        ("=== rule", r"==\= rule"),
        ("-0.5 is less", "-0.5 is less"),
        ("![x](http://y)", r"!\[x\](http://y)"),
        ("<img src=x>", "&lt;img src=x>"),
        ("$x$", r"\$x\$"),
        ("~~no~~", r"\~\~no\~\~"),
        ("~ U(0, 1)", "~ U(0, 1)"),
        ("&lt;", "&amp;lt;"),
        ("one\n\n# two", "one # two"),
    ],
)
def test_a_text_is_no_markdown(text, expected):
    assert for_markdown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`<img src=x onerror=alert(1)>`", "`` `<img src=x onerror=alert(1)>` ``"),
        ("a``b`c", "```a``b`c```"),
        ("a|b", r"`a\|b`"),
        ("one\ntwo", "`one two`"),
    ],
)
def test_code_stays_code(text, expected):
    assert code(text) == expected


def test_a_name_with_backticks_makes_no_html_in_the_report():
    report = made(MATCHING)
    report.records[0].subject = "m.`<script>alert(1)</script>`"
    text = report.to_markdown()
    line = next(line for line in text.splitlines() if "script" in line)
    assert line == "  - subject `` m.`<script>alert(1)</script>` ``"


def test_what_is_printable_stays():
    text = "größe → 2 × x, α\tβ\nnext"
    assert printable(text) == text.expandtabs(4)
