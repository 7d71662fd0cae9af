"""A large network is judged point by point: in little memory, and to the very same rows."""

from __future__ import annotations

import datetime
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backproof.comparison import run
from backproof.comparison.bounds import bound, worst_case
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.judging.rows import Row
from backproof.comparison.pairing.pairing import Broken
from backproof.implementations.host import mapped
from comparisons import circles, clusters
from tests.project import ROOT
from tests.workers import Shared

TODAY = datetime.date(2026, 1, 1)
STEPS = 30  # enough that a hundred bounds are dropped


def judged(workers: run.Workers) -> tuple[list[list[Row]], list[list[Row]]]:
    """The rows of two pairings, and those of their records when they are judged again."""
    pairings = [replace(each, steps=STEPS) for each in (circles.PAIRING, clusters.PAIRING)]
    verified = run.verify(pairings, workers, TODAY, certified=False)
    found = [each for each in verified if not isinstance(each, Broken)]
    again = run.judge_again([each.record for each in found], TODAY, certified=False)
    return [each.rows for each in found], [each.rows for each in again]


@pytest.mark.slow(11)
def test_rows_are_the_same_as_if_all_was_kept(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = shared("torch", "jax")
    kept = judged(workers)
    assert len(kept[0]) == 2
    for module in (mapped, bound, worst_case):
        monkeypatch.setattr(module, "LARGE", 1)
    drop, dropped = Bounds._make_room, []

    def counted(self: Any, point: Any) -> None:
        before = len(self._known)
        drop(self, point)
        dropped.append(before - len(self._known))
        assert len({key[2] for key in self._known} - {point}) == 0

    monkeypatch.setattr(Bounds, "_make_room", counted)
    assert judged(workers) == kept
    assert sum(dropped) > 100


# A network of a million parameters: a tensor of each point and implementation takes 8 MiB.
SCRIPT = """
import resource, sys
from backproof import Dense, GradientDescent, Loss, Network, verify
from backproof.comparison.bounds import bound, worst_case
from backproof.implementations.host import mapped
from backproof.mathematics.faults.evaluation import computed

if sys.argv[1] == "all":
    bound.LARGE = worst_case.LARGE = mapped.LARGE = float("inf")
network = Network((Dense(1024, 1024, "tanh"), Dense(1024, 1)), Loss("squared_error"))
optimizer = GradientDescent(0.1)

def subject(parameters, batch):
    found = computed(network, optimizer, parameters, batch)
    return {n: v for n, v in found.items() if not n.startswith(("accuracy", "parameter_count"))}

report = verify(network, subject, optimizer=optimizer, steps=1, references=["torch"])
assert report.passed, report
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak(kept: str) -> int:
    """The memory that the process took at most, in MiB."""
    command = [sys.executable, "-c", SCRIPT, kept]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


@pytest.mark.slow(30)
@pytest.mark.skipif(not Path("/proc").exists(), reason="memory is told in other units elsewhere")
def test_a_large_network_takes_the_memory_of_a_point_not_of_all() -> None:
    assert peak("a point") < peak("all") / 2
