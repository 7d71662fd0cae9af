"""One bad pairing costs only itself, whatever is raised at whichever moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backproof.comparison import run
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.judging import verdicts
from backproof.comparison.judging.rows import Status
from backproof.comparison.pairing.pairing import Broken
from backproof.mathematics.errors import told
from backproof.reports.formats import report_md
from backproof.reports.report import Report
from tests.reports.evaluated import (
    NoWorkers,
    answered,
    by_definition,
    evaluated,
    judged,
    pairing,
    wrong_loss,
)
from tests.reports.sample import TODAY


class OddError(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


class OwnError(BaseException):
    """No `Exception`: what some programs end themselves with."""


ERRORS = {
    "memory": MemoryError(),
    "recursion": RecursionError("too deep"),
    "unprintable": OddError(),
    "assertion": AssertionError("no"),
    "usage": ValueError("[/x] \x1b[2J"),
}
# By moment: where it is planted, and the way to the name of the pairing from there.
MOMENTS: dict[str, tuple[Any, str, Any]] = {
    "asking": (run, "ask", lambda pairing, *_: pairing.name),
    "bounds": (Bounds, "prepare", lambda bounds, *_: bounds.record.pairing),
    "certifying": (Certainty, "prepare", lambda certainty: certainty.record.pairing),
    "judging": (run, "compare", lambda record, *_: record.pairing),
    "layouts": (run, "name_layout", lambda pairing, *_: pairing.name),
    "making": (run, "new_record", lambda pairing, *_: pairing.name),
}


def verified(*pairings: Any) -> dict[str, Any]:
    found = run.verify(pairings, NoWorkers(), TODAY)
    return {e.what if isinstance(e, Broken) else e.record.pairing: e for e in found}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_others_have_their_verdicts(moment, error, monkeypatch):
    monkeypatch.setattr(run, "ask", answered)
    monkeypatch.setattr(verdicts, "explain", lambda *_: False)  # nobody asks why z is wrong
    where, name, of = MOMENTS[moment]
    original = getattr(where, name)

    def failing(*arguments):
        if of(*arguments) == "bad":
            raise ERRORS[error]
        return original(*arguments)

    monkeypatch.setattr(where, name, failing)
    found = verified(pairing("a"), pairing("bad"), pairing("z", wrong_loss))
    assert {row.status for row in found["a"].rows} == {Status.MATCH}
    assert {row.name for row in found["z"].rows if row.status is Status.MISMATCH} == {"loss"}
    if moment == "making":
        assert isinstance(found["bad"], Broken)
        said = {found["bad"].reason}
    else:
        assert {row.status for row in found["bad"].rows} == {Status.ERROR}
        said = {row.cause for row in found["bad"].rows}
    (cause,) = said
    assert type(ERRORS[error]).__name__ in cause
    assert ("smaller batch" if error == "memory" else "please report it") in cause


@pytest.mark.parametrize("error", [OwnError("mine"), KeyboardInterrupt(), GeneratorExit()])
def test_what_a_subject_raises_is_its_own(error, monkeypatch):
    def subject(parameters, batch):
        raise error

    monkeypatch.setattr(run, "ask", answered)
    found = verified(pairing("bad", subject), pairing("z"))
    assert {row.status for row in found["z"].rows} == {Status.MATCH}
    (cause,) = {row.cause for row in found["bad"].rows}
    assert f"subject: the subject raised {type(error).__name__}" in cause


@pytest.mark.parametrize("error", ERRORS)
def test_a_verdict_that_cannot_be_explained_stands(error, monkeypatch):
    def failing(*_):
        raise ERRORS[error]

    monkeypatch.setattr(verdicts, "explain", failing)
    report = judged(evaluated("bad", wrong_loss))
    assert report.exit_status == 1
    (cause,) = {row.cause for row in report.rows if row.status is Status.MISMATCH}
    assert "it could not be explained" in cause


@pytest.mark.parametrize("error", ERRORS)
def test_a_pairing_that_cannot_be_judged_again_is_an_error(error, monkeypatch):
    original = run.compare

    def failing(record, *arguments):
        if record.pairing == "bad":
            raise ERRORS[error]
        return original(record, *arguments)

    monkeypatch.setattr(run, "compare", failing)
    report = judged(evaluated("bad"), evaluated("good"))
    assert {(row.pairing, row.status) for row in report.rows} == {
        ("bad", Status.ERROR),
        ("good", Status.MATCH),
    }


@pytest.mark.parametrize("error", ERRORS)
def test_a_pairing_that_cannot_be_told_is_an_error(error, monkeypatch, tmp_path):
    original = report_md.digits_of

    def failing(duel):
        if duel.pairing == "bad" and duel.rows[0].status is not Status.ERROR:
            raise ERRORS[error]
        return original(duel)

    monkeypatch.setattr(report_md, "digits_of", failing)
    report = judged(evaluated("bad"), evaluated("good"))
    report.write(tmp_path)
    assert {(row.pairing, row.status) for row in report.rows} == {
        ("bad", Status.ERROR),
        ("good", Status.MATCH),
    }
    assert "the report of it cannot be made" in (tmp_path / "report.md").read_text()


def test_a_message_is_told_whatever_it_is():
    assert told(OddError()) == ("OddError: (its text cannot be told: ZeroDivisionError)")
    assert told(ValueError()) == "ValueError"
    long = told(ValueError("x" * 10**6))
    assert len(long) < 3000
    assert "1000000 characters" in long


@pytest.mark.parametrize("days", [1, -1], ids=["in_time", "expired"])
def test_a_waiver_of_what_matches_is_an_error(days):
    import datetime

    from backproof.comparison.pairing.pairing import Waiver

    until = TODAY + datetime.timedelta(days)
    record = replace(evaluated(), waivers=(Waiver("torch/loss", "a rewrite", until),))
    report = judged(record)
    assert report.exit_status == 3
    (cause,) = {row.cause for row in report.rows if row.name == "loss"}
    assert "its waiver (a rewrite)" in cause
    assert "no longer needed: remove it" in cause
    assert ("expired" in cause) == (days < 0)


def test_an_expired_waiver_lets_nothing_pass():
    import datetime

    from backproof.comparison.pairing.pairing import Waiver

    until = TODAY - datetime.timedelta(1)
    record = replace(
        evaluated("tiny", wrong_loss), waivers=(Waiver("torch/loss", "a rewrite", until),)
    )
    report: Report = judged(record)
    assert report.exit_status == 1
    assert all("its waiver expired on" in row.cause for row in report.rows if row.cause)


def test_the_usual_subject_matches():
    assert judged(evaluated("good", by_definition)).exit_status == 0
