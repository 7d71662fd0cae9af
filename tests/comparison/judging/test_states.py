"""Optimizers that keep their state in themselves: handed in they are judged, else told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof import Adam, Dense, Loss, Momentum, Network, adapters, verify
from backproof.mathematics.errors import UsageError

NAME = "dense_1/kernel"
NETWORK = Network((Dense(3, 2, bias=False),), Loss("squared_error", batch="sum"))


class Trainer:
    """A linear layer with its own Adam."""

    def __init__(self, *, forgets_t: bool = False, rate: float = 0.001) -> None:
        self.w, self.m, self.v, self.t = np.zeros((3, 2)), {}, {}, 0
        self.forgets_t, self.rate = forgets_t, rate

    def train_on(self, x: Any, y: Any) -> None:
        self.t += 1
        t = 1 if self.forgets_t else self.t
        g = 2 * x.T @ (x @ self.w - y)
        self.m["w"] = 0.9 * self.m.get("w", 0) + 0.1 * g
        self.v["w"] = 0.999 * self.v.get("w", 0) + 0.001 * g * g
        size = np.sqrt(self.v["w"] / (1 - 0.999**t)) + 1e-8
        self.w -= self.rate * self.m["w"] / (1 - 0.9**t) / size


PLACES = {
    NAME: "w",
    f"first_moment/{NAME}": "m['w']",
    f"second_moment/{NAME}": "v['w']",
    "step_count": "t",
}


def handed(**fields: Any) -> Any:
    return adapters.stateful(
        lambda: Trainer(**fields), PLACES, lambda made, b: made.train_on(b.inputs, b.targets)
    )


def alone(**fields: Any) -> Any:
    """Only the weights are handed in."""
    return adapters.stateful(
        lambda: Trainer(**fields), {NAME: "w"}, lambda made, b: made.train_on(b.inputs, b.targets)
    )


def judged(subject: Any) -> Any:
    return verify(NETWORK, subject, optimizer=Adam(), references=["torch"])


def test_the_state_is_put_in_and_taken_out() -> None:
    report = judged(handed())
    assert report.status == "MATCH", report.cause
    assert {row.step for row in report.comparisons} == set(range(10))


def test_a_wrong_class_is_then_a_mismatch() -> None:
    assert judged(handed(forgets_t=True)).status == "MISMATCH"


@pytest.mark.parametrize("forgets_t", [False, True])
def test_a_state_that_is_never_used_is_told(forgets_t: bool) -> None:
    report = judged(alone(forgets_t=forgets_t))
    assert report.status == "ERROR"
    assert "never uses the state" in report.cause
    assert "a step from zeros, the first, explains every number" in report.cause
    assert "adapters.stateful" in report.cause


def test_what_a_step_from_zeros_does_not_explain_is_a_mismatch() -> None:
    report = judged(alone(rate=0.002))
    assert report.status == "MISMATCH"
    assert "never uses the state" in report.cause


def test_one_that_goes_on_from_call_to_call_is_told_how_to_hand_it_in() -> None:
    trainer = Trainer()

    def subject(state: Any, b: Any) -> dict[str, Any]:
        trainer.w = state[NAME]
        trainer.train_on(b.inputs, b.targets)
        return {f"updated/{NAME}": trainer.w}

    report = judged(subject)
    assert report.status == "ERROR"
    assert "adapters.stateful" in report.cause


def test_a_step_without_the_state_after_it_is_no_match() -> None:
    def subject(state: Any, b: Any) -> dict[str, Any]:
        g = 2 * b.inputs.T @ (b.inputs @ state[NAME] - b.targets)
        v = 0.9 * state[f"velocity/{NAME}"] + g
        return {f"updated/{NAME}": state[NAME] - 0.1 * v}

    report = verify(NETWORK, subject, optimizer=Momentum(0.1), references=["torch"])
    assert (report.status, report.exit_status) == ("UNDECIDED", 3)
    assert "give updated/velocity/…" in report.cause
    (row,) = (row for row in report.comparisons if row.status == "UNDECIDED")
    assert row.name == f"updated/velocity/{NAME}"


def test_a_place_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="no place in an object"):
        adapters.stateful(Trainer, {NAME: "w w"}, lambda made, b: None)


def test_a_name_that_is_no_state_is_told() -> None:
    places = {**PLACES, "third_moment/dense_1/kernel": "x"}
    report = judged(adapters.stateful(Trainer, places, lambda made, b: None))
    assert "third_moment/dense_1/kernel" in report.cause
