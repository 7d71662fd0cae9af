"""How failures are told: in groups that hide none, and nothing missing taken for a match."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.run import Judged
from backproof.reports import summary
from backproof.reports.report import Report
from tests.reports.sample import MATCHING, MISMATCHING, TODAY, made, record

DIED = "torch: the torch worker was ended by SIGKILL"
LOSS = replace(MATCHING, quantity="loss", tensor="")
BIAS = replace(MATCHING, tensor="dense_1/bias")


def error(row, cause, **changes):
    return replace(row, status=Status.ERROR, cause=cause, bound_used=None, **changes)


def told(report):
    return [
        (failure.name + failure.others, failure.where, failure.worst.cause)
        for duel in summary.duels(report)
        for failure in summary.failures(report, duel)
    ]


def test_one_reason_for_everything_is_told_once():
    rows = [error(row, DIED, step=step) for row in (LOSS, MATCHING, BIAS) for step in range(3)]
    assert told(made(*rows)) == [("loss and all others", "3 steps from 0", DIED)]


def test_names_with_one_reason_are_counted_and_others_stay_apart():
    rows = [LOSS, error(MATCHING, DIED), error(BIAS, DIED, step=4)]
    assert told(made(*rows)) == [
        ("gradient/dense_1/kernel and 1 more", "2 steps from 0 to 4", DIED)
    ]
    rows = [error(MATCHING, "torch: gave no kernel"), error(BIAS, DIED)]
    assert len(told(made(*rows))) == 2


def test_a_second_reason_for_the_same_tensor_is_not_hidden():
    rows = [
        error(MATCHING, "subject: nan at 3", step=0),
        error(MATCHING, "subject: nan at 5", step=1),
        error(MATCHING, DIED, step=2),
    ]
    assert told(made(*rows)) == [
        ("gradient/dense_1/kernel", "2 steps from 0", "subject: nan at 3"),
        ("gradient/dense_1/kernel", "step 2", DIED),
    ]


def test_mismatches_come_first_and_are_never_put_together():
    rows = [error(LOSS, DIED), MISMATCHING, replace(MISMATCHING, tensor="dense_1/bias")]
    assert [name for name, _, _ in told(made(*rows))] == [
        "gradient/dense_1/kernel",
        "gradient/dense_1/bias",
        "loss",
    ]


def test_the_weakest_of_undecided_comparisons_is_shown():
    rows = [
        replace(MATCHING, step=step, status=Status.UNDECIDED, power=power, cause=f"power {power}")
        for step, power in enumerate((0.2, 0.9, 0.3))
    ]
    assert told(made(*rows)) == [("gradient/dense_1/kernel", "3 steps from 0", "power 0.9")]


@pytest.mark.parametrize("references", [(), ("torch", "keras")])
def test_what_was_never_compared_is_no_match(references):
    judged = [Judged(record(), [MATCHING]), Judged(record("other", references), [])]
    report = Report.of(judged, {}, TODAY)
    assert (report.status, report.exit_status) == (Status.ERROR, 3)
    assert "no comparison of other" in report.to_markdown()
    assert "comparisons match." not in report.to_markdown()
    assert "no comparison of other" in report.cause


def test_a_mismatch_stands_in_the_first_lines_with_its_pairing():
    judged = [
        Judged(record(), [MISMATCHING]),
        Judged(record("fine"), [replace(MATCHING, pairing="fine")]),
    ]
    first = Report.of(judged, {}, TODAY).to_markdown().splitlines()[:8]
    assert first[2] == ("**MISMATCH, exit status 1.** Of 2 comparisons: 1 MATCH, 1 MISMATCH.")
    assert first[4] == "**Cause:** why"
    assert first[6:] == ["- MISMATCH: tiny against torch", "- MATCH: fine against torch"]


def test_who_puts_together_pairings_with_the_same_references():
    judged = [
        Judged(
            record(name, references),
            [replace(MATCHING, pairing=name, reference=reference) for reference in references],
        )
        for name, references in (
            ("a", ("jax", "torch")),
            ("b", ("torch",)),
            ("c", ("jax", "torch")),
        )
    ]
    report = Report.of(judged, {}, TODAY)
    assert summary.who(report) == [(Status.MATCH, "a and c against jax and torch; b against torch")]


def test_the_cause_of_a_match_is_nothing_and_of_a_failure_the_first_in_computation():
    near = replace(MATCHING, quantity="accuracy", tensor="", detail="samples within the bound: 2")
    assert made(near).cause == ""
    assert made(error(MATCHING, "later"), error(LOSS, "first")).cause == "first"
    assert made(MATCHING, notes=["bad.py:3: invalid syntax"]).cause == "bad.py:3: invalid syntax"
