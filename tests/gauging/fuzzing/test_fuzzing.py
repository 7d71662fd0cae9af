"""The fuzzer: no false alarm, a planted fault found, shrunk and written as a pairing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.run import Workers
from backproof.gauging.fuzzing import fuzzing
from backproof.gauging.fuzzing.drawing import LARGE, Case, bucket
from tests.faces.test_bad_input import backproof
from tests.halves import slow_but
from tests.project import ROOT
from tests.workers import Shared

ROW = Row("fuzz", "definition", "torch", "loss", "", "data", 0, "float64")


@pytest.fixture(
    scope="module", params=slow_but(["float64"], ["float64", "float32", "bfloat16", "float16"], 3)
)
def workers(request: pytest.FixtureRequest, shared: Shared) -> Workers:
    return shared("torch", dtype=request.param)


def test_no_correct_network_is_called_wrong(workers: Workers) -> None:
    tally, failed, why = fuzzing.fuzz(workers, 40, 1, lambda _: None)
    assert failed is None, why
    assert tally.cases == 40
    assert tally.statuses[Status.MATCH] > 0
    assert not tally.statuses[Status.MISMATCH] + tally.statuses[Status.ERROR]
    assert tally.nearest <= 1
    assert tally.exit_status == 0
    assert f"{tally.statuses[Status.MATCH]} decided" in tally.line()


@pytest.mark.slow(9)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_small_networks_of_half_precision_are_decided(
    dtype: str, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine of ten where what was measured of the frameworks holds, and more than without it.

    On a processor where it does not hold, it is not used, and still some are decided.
    """
    workers = shared("keras", "torch", dtype=dtype)

    def decided() -> tuple[int, int, bool]:
        tally, failed, why = fuzzing.fuzz(workers, 60, 2, lambda _: None)
        known = all(map(workers.calibrated, workers.by_name))
        assert failed is None, why
        assert tally.nearest <= 1
        return tally.statuses[Status.MATCH], tally.statuses.total(), known

    matches, total, known = decided()
    monkeypatch.setattr(Workers, "calibrated", lambda self, name: False)
    without, _, _ = decided()
    assert without > 0
    assert matches >= 0.9 * total > without if known else matches >= without


@pytest.mark.slow(8)
def test_other_code_is_not_called_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without oneDNN TensorFlow truncates products of bfloat16: what was measured does not hold."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    with Workers(["keras"], "bfloat16", ROOT) as workers:
        assert not workers.calibrated("keras")
        tally, failed, why = fuzzing.fuzz(workers, 100, 1, lambda _: None)
    assert failed is None, why
    assert tally.statuses[Status.MATCH]
    assert tally.nearest > 0.5


@pytest.mark.slow(4)
def test_jax_compiles_for_some_of_its_networks_only(shared: Shared) -> None:
    """Six cases share a network and a number of samples, which are the only ones compiled."""
    shapes = bucket(LARGE, 3, 0)
    assert shapes == bucket(LARGE, 3, 0)
    assert len(shapes) == 3
    tally, failed, why = fuzzing.fuzz(shared("jax"), 12, 0, lambda _: None)
    assert failed is None, why
    assert tally.cases == 12
    assert not tally.statuses[Status.MISMATCH] + tally.statuses[Status.ERROR]


@pytest.mark.slow(6)
@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e-9), ("bfloat16", 0.5)])
def test_a_planted_fault_is_found_shrunk_and_replayed(
    dtype: str, size: float, shared: Shared, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = fuzzing.computed

    def wrong(*given):
        results = right(*given)
        return {n: v * (1 + size) if n.startswith("gradient") else v for n, v in results.items()}

    monkeypatch.setattr(fuzzing, "computed", wrong)
    tally, failed, why = fuzzing.fuzz(shared("torch", dtype=dtype), 60, 1, lambda _: None)
    assert failed is not None
    assert "MISMATCH" in why
    assert tally.exit_status == 1
    # The smallest network that shows it, as Hypothesis shrinks.
    assert len(failed.network.layers) == 1
    assert failed.network.shapes()["dense_1/kernel"] == (1, 1)
    assert len(failed.batch.inputs) == 1
    path = fuzzing.write_case(failed, tmp_path, ["torch"])
    # The fault was ours, in this process; the case itself is a right network, and replays as such.
    command = ("verify", str(path), "--dtype", dtype)
    done = backproof(*command, cwd=ROOT)
    assert done.returncode == (0 if dtype == "float64" else 3), done.stdout + done.stderr
    assert "MISMATCH" not in done.stdout
    assert "fuzz" in done.stdout
    # Planted in the case, it is found again.
    planted = f"""
        def subject(parameters, batch):
            given = subject_of(NETWORK)(parameters, batch)
            factors = {{n: {1 + size} if n.startswith("gradient") else 1 for n in given}}
            return {{n: v * factors[n] for n, v in given.items()}}
    """
    text = path.read_text().replace("subject=subject_of(NETWORK)", "subject=subject")
    path.write_text(text.replace("PAIRING =", f"{dedent(planted)}\n\nPAIRING ="))
    done = backproof(*command, cwd=ROOT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MISMATCH gradient/dense_1/kernel" in done.stdout


def test_a_mismatch_shrinks_to_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller network that fails for another reason is not what was found."""

    def rows_of(case: Case, workers: Workers, chance: float) -> list[Row]:
        failing = {1: Status.MATCH, 2: Status.ERROR}
        return [replace(ROW, status=failing.get(case.network.outputs, Status.MISMATCH))]

    monkeypatch.setattr(fuzzing, "rows_of", rows_of)
    found = set()
    with Workers([], "float64", ROOT) as workers:
        for seed in range(6):
            tally, failed, why = fuzzing.fuzz(workers, 40, seed, lambda _: None)
            assert failed is not None
            first = Status.MISMATCH if tally.statuses[Status.MISMATCH] else Status.ERROR
            assert first in why
            assert failed.network.outputs == (3 if first is Status.MISMATCH else 2)
            found.add(first)
    assert found == {Status.MISMATCH, Status.ERROR}


def test_nothing_decided_is_no_pass() -> None:
    assert fuzzing.Tally().exit_status == 3


@pytest.mark.slow(2)
def test_the_command_line_says_how_many(tmp_path: Path) -> None:
    done = backproof("fuzz", "--cases", "5", "--reference", "torch", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("5 networks, ")
    assert "0 mismatched" in done.stdout
