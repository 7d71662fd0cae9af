"""Subjects that behave badly: each is told apart, and none ends or stops the run."""

from __future__ import annotations

import ctypes
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import backproof
from backproof import Batch, Parameters, Report
from backproof.comparison.judging.rows import Status
from backproof.implementations import adapters
from tests.faces.own_network import NETWORK, by_hand, spoiled

Subject = Callable[[Any, Any], Any]


def check(subject: Subject, **options: Any) -> Report:
    return backproof.verify(NETWORK, subject, references=["torch"], **options)


def shifts_its_inputs(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    batch.inputs -= 1
    return by_hand(parameters, batch)


def writes_past_numpy(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """As compiled code does, which knows no read-only arrays."""
    results = by_hand(parameters, batch)
    ctypes.memset(batch.inputs.ctypes.data, 0, 8)
    return results


def sleeps(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    time.sleep(60)
    return {}


def exits(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    sys.exit("done")


def leaves(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    os._exit(0)


def draws(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    results = by_hand(parameters, batch)
    results["loss"] *= random.random()
    return results


def gives_once() -> Subject:
    calls: list[int] = []

    def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        calls.append(1)
        results = by_hand(parameters, batch)
        return results if len(calls) == 1 else {"loss": results["loss"]}

    return subject


def takes_one(parameters: Parameters) -> dict[str, Any]:
    return {"loss": 0.0}


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (shifts_its_inputs, "it changes its batch in place; give it copies, with adapters.copied"),
        (writes_past_numpy, "the subject changes batch.inputs in place"),
        (exits, r"the subject wanted to exit: SystemExit: done \(faces/test_conduct.py:"),
        (leaves, "the subject wanted to exit: SystemExit: 0"),
        (draws, "not deterministic: called twice with the same input, it gave loss with a diff"),
        (gives_once(), "not deterministic.* only once; seed it, or begin anew"),
        (
            takes_one,
            r"TypeError: takes_one\(\) takes 1 positional argument but 2 were given \(faces/"
            rf"test_conduct.py:{takes_one.__code__.co_firstlineno}\): it is called as subject",
        ),
        (lambda parameters, batch: None, "the subject returned NoneType; return a dict"),
        (lambda parameters, batch: {}, "the subject gives nothing to compare"),
        (
            spoiled(lambda results: results.update(loss_=0.0)),
            "gave 'loss_', which this network does not have; did you mean 'loss'?",
        ),
        (
            spoiled(lambda results: results.update({"updated/dense_1/bias": np.zeros(4)})),
            "gives updated/dense_1/bias, but no optimizer is named",
        ),
    ],
)
def test_it_is_an_error_that_says_what_to_do(subject: Subject, message: str) -> None:
    report = check(subject)
    assert report.status is Status.ERROR
    assert report.exit_status == 3
    assert {row.status for row in report.comparisons} == {Status.ERROR}
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(report.cause)


@pytest.mark.slow(2)
def test_one_that_hangs_is_asked_once_and_where_it_hangs_is_told() -> None:
    assert check(by_hand).passed  # its worker, which has the same limit, is there
    report = check(sleeps, time_limit=2)
    assert report.status is Status.ERROR
    assert "the subject gave no answer for 2 s (it is at faces/test_conduct.py:" in report.cause
    (record,) = report.records
    assert len(set(record.errors["subject"].values())) == 1


def test_the_batch_is_whole_after_compiled_code_wrote_to_it() -> None:
    report = check(writes_past_numpy)
    (record,) = report.records
    assert record.batches["data"].inputs[0, 0] != 0


def test_what_it_prints_stays_off_standard_output(capsys: Any) -> None:
    def chatty(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        print("hello")  # noqa: T201  # what it must not do
        return by_hand(parameters, batch)

    assert check(chatty).status is Status.MATCH
    told = capsys.readouterr()
    assert told.out == ""
    assert "hello" in told.err


def test_rounding_that_varies_from_call_to_call_is_no_unsteadiness() -> None:
    """Sums in another order each time, as threads may add them."""
    stream = np.random.default_rng(0)

    def shuffling(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        order = stream.permutation(len(batch.inputs))
        return by_hand(parameters, Batch(batch.inputs[order], batch.targets[order]))

    report = check(shuffling)
    (record,) = report.records
    assert record.unsteady  # it did vary
    assert report.status is Status.MATCH


def test_a_state_that_is_reset_is_none() -> None:
    class Model:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, parameters: Parameters, batch: Batch) -> dict[str, Any]:
            self.calls += 1
            return {n: self.calls * r for n, r in by_hand(parameters, batch).items()}

    assert check(Model()).status is Status.ERROR
    assert check(adapters.anew(Model)).status is Status.MATCH


def test_numpys_errors_are_as_the_user_set_them() -> None:
    def overflows(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        np.array([1e308]) * 10
        return by_hand(parameters, batch)

    with np.errstate(over="raise"):
        assert "FloatingPointError: overflow" in check(overflows).cause
    with np.errstate(over="ignore"):
        assert check(overflows).status is Status.MATCH


@pytest.mark.parametrize(
    ("wrap", "declared", "fits"),
    [
        (adapters.transposed, lambda f: f, "adapters.transposed(subject)"),
        (lambda f: f, adapters.transposed, ": subject"),
        (
            lambda f: adapters.transposed(adapters.columns(f)),
            adapters.columns,
            "adapters.transposed(adapters.columns(subject))",
        ),
        (adapters.thresholds, lambda f: f, "adapters.thresholds(subject)"),
    ],
)
def test_a_wrong_layout_is_answered_with_the_one_that_fits(
    wrap: Any, declared: Any, fits: str
) -> None:
    """The adapters undo themselves: around the code, each makes code of the layout it is for."""

    def native(parameters: Any, batch: Any) -> Any:
        return wrap(by_hand)(parameters, batch)

    report = check(declared(native))
    assert not report.passed
    causes = [row.cause for row in report.comparisons if row.point == "data"]
    assert any(f"in another layout it matches: {fits.removeprefix(': ')}" in c for c in causes)
    assert check(wrap(native)).status is Status.MATCH
