"""The fuzzer: no false alarm, a planted fault found, shrunk and written as a pairing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backproof import fuzzing
from backproof.comparison.rows import Status
from backproof.runs import Workers
from tests.faces.test_bad_input import backproof

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["float64", "float32", "bfloat16", "float16"])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with Workers(["torch"], request.param, ROOT) as started:
        yield started


def test_no_correct_network_is_called_wrong(workers: Workers) -> None:
    tally, failed, why = fuzzing.fuzz(workers, 60, 1, lambda _: None)
    assert failed is None, why
    assert tally.cases == 60
    assert tally.statuses[Status.MATCH] > 0
    assert not tally.statuses[Status.MISMATCH] + tally.statuses[Status.ERROR]
    assert tally.nearest <= 1
    assert tally.exit_status == 0
    assert f"{tally.statuses[Status.MATCH]} decided" in tally.line()


def test_a_planted_fault_is_found_shrunk_and_replayed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = fuzzing.computed

    def wrong(*given):
        results = right(*given)
        return {n: v * (1 + 1e-9) if n.startswith("gradient") else v for n, v in results.items()}

    monkeypatch.setattr(fuzzing, "computed", wrong)
    with Workers(["torch"], "float64", ROOT) as workers:
        tally, failed, why = fuzzing.fuzz(workers, 60, 1, lambda _: None)
    assert failed is not None
    assert "MISMATCH" in why
    assert tally.exit_status == 1
    # The smallest network that shows it, as Hypothesis shrinks.
    assert len(failed.network.layers) == 1
    assert failed.network.shapes()["dense_1/kernel"] == (1, 1)
    assert len(failed.batch.inputs) == 1
    path = fuzzing.write_case(failed, tmp_path)
    # The fault was ours, in this process; the case itself is a right network, and replays as such.
    done = backproof("verify", str(path), "--reference", "torch", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fuzz" in done.stdout


def test_nothing_decided_is_no_pass() -> None:
    assert fuzzing.Tally().exit_status == 3


def test_the_command_line_says_how_many(tmp_path: Path) -> None:
    done = backproof("fuzz", "--cases", "5", "--reference", "torch", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("5 networks, ")
    assert "0 mismatched" in done.stdout
