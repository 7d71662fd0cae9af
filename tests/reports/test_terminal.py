"""The table of a run on the terminal: whole at every width, the same without colour."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from backproof.comparison.judging.rows import Status
from backproof.comparison.run import Judged
from backproof.mathematics.network.quantities import expected
from backproof.reports.detail import Detail
from backproof.reports.report import Report
from backproof.reports.terminal import MOST_SHOWN, show
from tests.reports.sample import MATCHING, MISMATCHING, NETWORK, TODAY, made, record


def shown(report, width=80, detail=Detail.NORMAL, **options):
    console = Console(file=io.StringIO(), width=width, **options)
    show(report, console, detail)
    return console.file.getvalue()


def mixed():
    return made(
        *(replace(MATCHING, step=step, status=status) for step, status in enumerate(Status)),
        replace(MISMATCHING, step=9, power=1.2345e-123, bound_used=1.2345e123),
    )


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_cell_is_cut_and_no_line_too_long(width):
    text = shown(mixed(), width)
    heading = next(line for line in text.splitlines() if line.startswith("pairing"))
    for status in Status:
        assert str(status) in heading.split()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_a_wide_terminal_shows_every_column():
    assert "gradient power  bound used  verdict" in shown(mixed(), 120)
    assert "compared" not in shown(mixed(), 80)
    assert "compared" in shown(made(MATCHING), 80)


def test_a_pipe_gets_words_without_escapes():
    text = shown(mixed(), 80)
    assert "\x1b" not in text
    assert "\x1b" in shown(mixed(), 80, force_terminal=True)


def test_a_pass_is_one_line_more_than_its_table():
    lines = shown(made(MATCHING)).splitlines()
    assert len(lines) == 3
    assert lines[-1] == "All 1 comparisons match."


def test_a_mismatch_shows_tensor_place_and_cause_in_brackets_too():
    row = replace(MISMATCHING, cause="pip install 'backproof[torch]'")
    text = shown(made(row))
    assert "  MISMATCH gradient/dense_1/kernel, step 7\n" in text
    assert "    step 7, at (0, 0): actual 1, expected 2\n" in text
    assert "    pip install 'backproof[torch]'\n" in text


def two_references(*rows):
    return Report.of([Judged(record(references=("keras", "torch")), list(rows))], {}, TODAY)


def test_what_two_references_show_alike_is_told_once():
    row = replace(MISMATCHING, cause="torch is right, the subject is off by 1.5")
    other = replace(row, reference="keras", cause="keras is right, the subject is off by 1.4")
    assert "tiny against torch: the same as against keras" in shown(two_references(other, row))


def test_a_reference_at_fault_is_not_the_same_as_a_subject_at_fault():
    row = replace(MISMATCHING, cause="reference at fault: torch is off by 1.5")
    other = replace(row, reference="keras", cause="keras is right, the subject is off by 1.4")
    text = shown(two_references(other, row), 120)
    assert "the same as" not in text
    assert "reference at fault: torch is off by 1.5" in text


def test_notes_are_shown_and_the_verdict_is_not_green():
    text = shown(made(MATCHING, notes=["bad.py:3: no [green] here"]), force_terminal=True)
    assert "bad.py:3: no [green] here" in text
    assert "\x1b[32mOf 1 comparisons" not in text
    assert "\x1b[32mAll 1 comparisons match" in shown(made(MATCHING), force_terminal=True)


def test_causes_stand_before_the_table():
    text = shown(mixed(), 120)
    assert text.index("against") < text.index("gradient power")


def test_a_pairing_that_matches_is_one_line_whatever_its_references():
    other = replace(MATCHING, reference="keras")
    report = made(MATCHING, other)
    report.records[0].references = ("torch", "keras")
    brief = shown(report, 120).splitlines()
    assert len(brief) == 3
    assert "keras, torch" in brief[1]
    assert len(shown(report, 120, detail=Detail.FULL).splitlines()) == 4


def test_without_a_table_the_causes_and_the_verdict_are_left():
    assert shown(made(MATCHING), detail=Detail.CAUSES) == "All 1 comparisons match.\n"
    text = shown(mixed(), detail=Detail.CAUSES)
    assert "gradient power" not in text
    assert "MISMATCH" in text


def test_in_full_every_tensor_is_named():
    names = [name for name in expected(NETWORK) if name != "accuracy"]
    assert len(names) > MOST_SHOWN
    rows = [
        replace(MISMATCHING, quantity=name.partition("/")[0], tensor=name.partition("/")[2])
        for name in names
    ]
    brief, full = shown(made(*rows), 120), shown(made(*rows), 120, detail=Detail.FULL)
    assert "more; all of them: -v" in brief
    assert [name for name in names if name not in full] == []
    assert "more; all of them" not in full
