"""Only workers that pairings need are started; what was started early for nothing is ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backproof.comparison import run
from backproof.implementations import adapters
from tests.reports.evaluated import by_definition, pairing

STARTED: list[tuple[str, str]] = []


class Counted:
    """In the place of a worker."""

    ready = False

    def __init__(self, framework: str, dtype: str, root: Path, *, limit: float) -> None:
        self.ended: list[str] = []
        STARTED.append((framework, dtype))

    def kill(self) -> None:
        self.ended.append("killed")

    def close(self) -> None:
        self.ended.append("closed")


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> run.Workers:
    monkeypatch.setattr(run, "Worker", Counted)
    STARTED.clear()
    return run.Workers(["keras", "torch"], "float64", Path())


def of(name: str, subject: Any = by_definition, *references: str) -> Any:
    return replace(pairing(name, subject), references=dict.fromkeys(references or ("torch",)))


def test_a_framework_that_no_pairing_names_is_ended(workers: run.Workers) -> None:
    keras: Any = workers.by_name["keras"]
    workers.serve([of("a")])
    assert set(workers.by_name) == workers.names == {"torch"}
    assert keras.ended == ["killed", "closed"]


@pytest.mark.parametrize("suited", [True, False])
def test_of_two_precisions_each_has_the_workers_of_its_own(
    suited: bool, workers: run.Workers
) -> None:
    workers.serve([of("a", adapters.float32(by_definition))], suited=suited)
    assert workers.names == {"torch"}
    assert set(workers.by_name) == (set() if suited else {"torch"})
    assert (("torch", "float32") in STARTED) == suited
