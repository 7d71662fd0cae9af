"""Overflow in right code: one line that says where, and what to declare."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from backproof import Dense, Form, Loss, Network, adapters, verify
from backproof.comparison.bounds.bound import Bound, distance
from backproof.comparison.bounds.sides import Pair
from backproof.comparison.judging.rows import Grade

NETWORK = Network((Dense(4, 3, "softmax", bias=False),), Loss("categorical_cross_entropy"))


def subject(parameters: Any, batch: Any, scale: float = 1.0) -> dict[str, Any]:
    """exp without a shift."""
    with np.errstate(all="ignore"):
        e = np.exp(batch.inputs @ parameters["dense_1/kernel"])
        a = e / e.sum(axis=1, keepdims=True)
        loss = -np.sum(batch.targets * np.log(a)) / len(a)
    gradient = scale * batch.inputs.T @ (a - batch.targets) / len(a)
    return {"loss": loss, "gradient/dense_1/kernel": gradient}


def test_it_is_told_in_a_line_with_the_way_on() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        report = verify(NETWORK, subject, references=["torch"])
    assert (report.status, report.exit_status) == ("ERROR", 3)
    assert "right wherever its numbers are finite" in report.cause
    assert "large_logits" in report.cause
    assert "adapters.unsaturated" in report.cause
    assert 'forms={"subject": Form("probabilities")}' in report.cause
    assert len(report.cause) < 500


def test_what_it_advises_matches() -> None:
    forms = {"subject": Form("probabilities")}
    report = verify(NETWORK, adapters.unsaturated(subject), forms=forms, references=["torch"])
    assert report.status == "MATCH"


def test_beside_a_mismatch_it_is_not_called_right() -> None:
    report = verify(NETWORK, lambda p, b: subject(p, b, 2.0), references=["torch"])
    assert not any("right wherever" in row.cause for row in report.comparisons)


def test_a_radius_beyond_all_numbers_says_nothing_and_warns_of_nothing() -> None:
    widest = np.array([np.finfo(np.float64).max])
    bound = Bound({"loss": np.ones(1)}, {"loss": widest}, np.array([], int))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        radius = Pair(Grade.PROVEN, bound, bound).radius("loss")
        assert radius is not None
        assert np.isinf(radius).all()
        assert distance("loss", np.full(1, 1e300), bound) == 0
