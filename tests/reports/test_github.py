"""Annotations of GitHub: one a pairing, at its file and line, and no message can forge one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.run import Judged
from backproof.reports.github import annotated
from backproof.reports.located import located
from backproof.reports.report import Report
from tests.reports.page import planted
from tests.reports.sample import MATCHING, MISMATCHING, TODAY, made, record


def lines(report: Report) -> list[str]:
    return list(annotated(report))


def test_a_match_has_none():
    assert lines(planted.matching()) == []


def test_a_mismatch_is_annotated_at_the_subject_with_its_cause():
    (line,) = lines(planted.wrong())
    assert line == (
        "::error file=scratch/two_layers.py,line=41,title=MISMATCH%3A two_layers against torch::"
        "in dense_1: the slope is a * (1 - z); it should be 1 - a**2"
    )


def test_an_error_is_annotated_where_it_was_raised():
    cause = "subject: the subject raised NameError: w3 (comparisons/a.py:3) (scratch/net.py:7)"
    row = replace(MATCHING, status=Status.ERROR, cause=cause, bound_used=None)
    known = replace(record(), place="comparisons/a.py:3")
    (line,) = lines(Report.of([Judged(known, [row])], {}, TODAY))
    assert line.startswith("::error file=scratch/net.py,line=7,title=ERROR")


def test_the_same_cause_against_two_references_is_one():
    rows = [replace(MISMATCHING, reference=name, cause="the same") for name in ("keras", "torch")]
    known = record(references=("keras", "torch"))
    (line,) = lines(Report.of([Judged(known, rows)], {}, TODAY))
    assert line == "::error title=MISMATCH%3A tiny against keras and torch::the same"


@pytest.mark.parametrize(
    ("status", "level"), [(Status.WAIVED, "warning"), (Status.AT_FAULT, "notice")]
)
def test_what_passes_all_the_same_is_less_than_an_error(status, level):
    (line,) = lines(made(replace(MATCHING, status=status, cause="why")))
    assert line.startswith(f"::{level} title=")


def test_what_was_not_loaded_is_annotated():
    (line,) = lines(made(MATCHING, notes=["bad cannot be loaded: invalid syntax (bad.py:3)"]))
    assert line.startswith("::error file=bad.py,line=3,title=not loaded::")


@pytest.mark.parametrize(
    "text", ["a\n::error::b", "a\r\n::set-output name=x::y", "100%", "a\x1b[2Jb"]
)
def test_no_message_ends_its_line_or_begins_another(text):
    row = replace(MISMATCHING, pairing="p::,:x", cause=text)
    (line,) = lines(Report.of([Judged(record("p::,:x"), [row])], {}, TODAY))
    assert "\n" not in line
    assert "\r" not in line
    assert "\x1b" not in line
    head = re.fullmatch(r"::error title=([^:,]*)::(.*)", line)
    assert head
    assert re.search(r"%(?!25|0A)", head[2]) is None


@pytest.mark.parametrize(
    ("cause", "subject", "found"),
    [
        ("", "", None),
        ("", "net.py:12", ("net.py", 12)),
        ("raised (a/b.py:7)", "net.py:12", ("a/b.py", 7)),
        ("the slope is f(x.py:n)", "net.py:12", ("net.py", 12)),
        ("", "no line", None),
    ],
)
def test_where_a_person_is_sent(cause, subject, found):
    assert located(cause, subject) == found
