"""report.md: readable raw and rendered, whatever the causes say."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from backproof.comparison.judging.rows import WAY, Row, Status
from backproof.comparison.pairing.pairing import Waiver
from backproof.comparison.run import Judged
from backproof.reports.formats.report_md import aligned
from backproof.reports.harmless import for_markdown
from backproof.reports.report import Report
from tests.reports.sample import MATCHING, MISMATCHING, TODAY, made, record


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("got <class 'int'>", "got &lt;class 'int'>"),
        ("a | b * c", r"a \| b \* c"),
        ("gradient/dense_1/kernel in my_net.py", "gradient/dense_1/kernel in my_net.py"),
        ("__init__ and _x", r"\_\_init\_\_ and \_x"),
        ("one\n  two", "one two"),
    ],
)
def test_a_text_is_not_taken_for_markup(text, shown):
    assert for_markdown(text) == shown


def test_tables_are_aligned_and_keep_their_cells():
    assert aligned("| a | b |\n|---|---:|\n| long\\|er | 1 |\n\nend") == (
        "| a        |    b |\n| -------- | ---: |\n| long\\|er |    1 |\n\nend"
    )


def test_a_table_with_a_cell_too_many_is_left_as_it_is():
    text = "| a | b |\n| --- | --- |\n| 1 | 2 | 3 |"
    assert aligned(text) == text


def test_every_line_of_a_table_in_a_report_is_as_wide_as_its_heading():
    text = made(MATCHING, MISMATCHING).to_markdown()
    block: list[int] = []
    for line in text.splitlines():
        block = [*block, len(line)] if line.startswith("|") else []
        assert len(set(block)) <= 1
    assert text.endswith("\n")
    assert "\n\n\n" not in text


def test_no_number_of_the_report_is_nan():
    """An infinite share of a bound of 0 once was shown as a difference of nan."""
    assert "nan" not in made(replace(MISMATCHING, bound=0.0, bound_used=float("inf"))).to_markdown()


def test_the_difference_shown_is_that_of_the_element_whose_bound_is_shown():
    row = replace(MATCHING, max_abs_diff=5.0, bound=1e-20, bound_used=0.25)
    lines = made(row).to_markdown().splitlines()
    nearest = lines[lines.index("## Nearest to their bound") + 4]
    assert "2.5e-21" in nearest
    assert "5 " not in nearest.split("|")[6]


@pytest.mark.parametrize(
    ("row", "expires", "state"),
    [
        (replace(MATCHING, status=Status.WAIVED), 2027, "lets 1 of 1 pass"),
        (MISMATCHING, 2025, "expired"),
        (MATCHING, 2027, "not needed: remove it"),
        (replace(MATCHING, quantity="loss", tensor=""), 2027, "names no comparison"),
    ],
)
def test_every_waiver_is_listed_with_its_reason_and_state(row, expires, state):
    waiver = Waiver(
        "torch/gradient/dense_1/kernel", "a rewrite | soon", datetime.date(expires, 1, 1)
    )
    lines = made(row, waivers=(waiver,)).to_markdown().splitlines()
    line = next(line for line in lines if line.startswith("| tiny") and "rewrite" in line)
    cells = [cell.strip() for cell in line.replace(r"\|", "/").split("|")[1:-1]]
    assert cells == [
        "tiny",
        "`torch/gradient/dense_1/kernel`",
        "a rewrite / soon",
        f"{expires}-01-01",
        state,
    ]


def test_a_waived_comparison_is_not_among_those_that_do_not_match():
    report = made(MISMATCHING, replace(MATCHING, status=Status.WAIVED, cause="waived: reason"))
    failing = report.to_markdown().partition("## What does not match")[2].partition("## Waivers")
    assert "MISMATCH" in failing[0]
    assert "waived" not in failing[0].lower()
    assert "waived: reason" in failing[2]


def test_samples_near_the_threshold_are_named_once_for_all_references():
    near = replace(MATCHING, quantity="accuracy", tensor="", power=None, detail="samples: 2")
    text = made(near, replace(near, reference="keras")).to_markdown()
    assert text.count("- tiny against keras and torch, data, step 0: samples: 2") == 1


def test_the_fingerprints_are_given_in_full_and_the_scope_is_stated():
    report = made(MATCHING)
    text = report.to_markdown()
    assert report.records[0].hashes()["network"] in text
    assert "## What a match does not prove" in text


def test_comparisons_along_one_way_are_counted_with_their_power():
    along = replace(MATCHING, detail=WAY, power=3e-5, reference="keras")
    rows = [along, replace(along, step=1, power=2e-7), replace(along, reference="torch")]
    text = made(*rows, MATCHING).to_markdown()
    assert "- tiny against keras: 2, power at most 3e-05\n" in text
    assert "- tiny against torch: 1, power at most 3e-05\n" in text
    assert "Compared along one way" not in made(MATCHING).to_markdown()


def two(*rows: Row) -> str:
    """The report on rows against two references."""
    known = record(references=("keras", "torch"))
    known.place = "comparisons/tiny.py:7"
    return Report.of([Judged(known, list(rows))], {}, TODAY).to_markdown()


def test_what_is_the_same_against_another_reference_is_told_once():
    row = replace(MISMATCHING, cause="torch is right, the subject is off by 1.5")
    other = replace(row, reference="keras", cause="keras is right, the subject is off by 1.4")
    text = two(row, other)
    assert text.count("- **MISMATCH**") == 1
    assert "### tiny against keras\n\nThe same against torch, but for the numbers" in text
    apart = two(replace(row, step=3), other)
    assert apart.count("- **MISMATCH**") == 2
    assert "The same against" not in apart


def test_the_subjects_file_is_named():
    text = two(MISMATCHING)
    assert "What to do: the subject is written at comparisons/tiny.py:7; " in text
    assert "  - subject `tiny.subject`, written at comparisons/tiny.py:7\n" in text
    assert "written at" not in made(MISMATCHING).to_markdown()


def test_a_probe_that_is_named_is_explained():
    text = made(replace(MISMATCHING, point="one_sample", step=0)).to_markdown()
    assert (
        "- *one_sample*: A batch of one: shapes that only fit by accident, means that are" in text
    )
    assert "*general*" not in text
    assert "The probes that are named" not in made(MISMATCHING).to_markdown()


def test_a_notebook_shows_the_verdict_and_what_does_not_match():
    shown = made(MATCHING)._repr_markdown_()
    assert len(shown.splitlines()) < 20
    assert "**MATCH, exit status 0.** All 1 comparisons match." in shown
    failing = made(MISMATCHING)._repr_markdown_()
    assert "- **MISMATCH** `gradient/dense_1/kernel`: why" in failing
    assert "What to do: " in failing
