"""The fuzzer: no false alarm, a planted fault found, shrunk and written as a pairing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import given, seed, settings

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.run import Workers
from backproof.gauging.fuzzing import fuzzing
from backproof.gauging.fuzzing.drawing import LARGE, Case, bucket, scalings
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
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
        tally, failed, why = fuzzing.fuzz(workers, 30, 2, lambda _: None)
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
        tally, failed, why = fuzzing.fuzz(workers, 100, 2, lambda _: None)
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

    def compared(case: Case, workers: Workers, chance: float) -> fuzzing.Compared:
        failing = {1: Status.MATCH, 2: Status.ERROR}
        row = replace(ROW, status=failing.get(case.network.outputs, Status.MISMATCH))
        return fuzzing.Compared([row])

    monkeypatch.setattr(fuzzing, "compared", compared)
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


def small(scale: float) -> Case:
    """Two units behind a softmax, whose inputs are that large and all but cancel."""
    network = Network((Dense(2, 2, "softmax"),), Loss("categorical_cross_entropy"))
    state = {
        "dense_1/kernel": np.array([[1, 2], [-1, -2.0]]) * scale,
        "dense_1/bias": np.array([0, 0.1]),
    }
    batch = Batch(np.array([[0.7, 0.7], [0.3, 0.3]]), np.array([[0, 1], [1, 0.0]]))
    state = {name: value.astype("float32") for name, value in state.items()}
    return Case(network, state, batch.astype("float32"))


@pytest.mark.parametrize(("scale", "ill"), [(1.0, False), (1e6, True)])
def test_what_no_bound_can_decide_is_counted(scale: float, ill: bool, shared: Shared) -> None:
    """At a million, float32 has no digit left of what a softmax takes."""
    found = fuzzing.compared(small(scale), shared("torch", dtype="float32"))
    undecided = [row for row in found.rows if row.status is Status.UNDECIDED]
    assert bool(undecided) is ill
    assert (found.ill_conditioned > 0) is ill


def test_a_bound_that_is_merely_wide_is_not_called_ill_conditioned(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backproof.comparison.judging.judging.WEAKEST_POWER", 1e-12)
    found = fuzzing.compared(small(1.0), shared("torch", dtype="float32"))
    assert any(row.status is Status.UNDECIDED for row in found.rows)
    assert found.ill_conditioned == 0


def test_deep_and_wide_networks_are_drawn() -> None:
    """Within a few campaigns; in one of them Hypothesis may keep to few of the options."""
    shapes = [network for number in range(3) for network, _ in bucket(LARGE, 200, number)]
    assert max(len(network.layers) for network in shapes) == 30
    assert max(max(w) for each in shapes for w in each.shapes().values()) == 1024


def test_large_weights_are_those_of_one_layer_or_of_all_in_equal_parts() -> None:
    """A rounding error grows by the scale, and not by its power."""
    network = Network((Dense(3, 3), Dense(3, 3)), Loss("squared_error"))
    only = replace(LARGE, scales=(100.0,))
    found = set()

    @seed(0)
    @settings(max_examples=30, database=None)
    @given(scalings(network, only))
    def collect(scales) -> None:
        found.add(tuple(scales(f"dense_{i}/kernel") for i in (1, 2)))

    collect()
    assert found == {(10.0, 10.0), (100.0, 1.0), (1.0, 100.0)}


def test_nothing_decided_is_no_pass() -> None:
    assert fuzzing.Tally().exit_status == 3


@pytest.mark.slow(2)
def test_the_command_line_says_how_many(tmp_path: Path) -> None:
    done = backproof("fuzz", "--cases", "5", "--reference", "torch", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("5 networks, ")
    assert "0 mismatched" in done.stdout
