"""`backproof.verify` and `assert_equivalent`: what they say, and where they may be called from."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backproof
from backproof import Batch, GradientDescent, Momentum, Network, Parameters, Report, UsageError
from backproof.comparison.judging.rows import Status
from backproof.faces import kept
from tests.faces.own_network import NETWORK, by_hand, spoiled

RATE = 0.5


def check(subject: Any = by_hand, network: Network = NETWORK, **options: Any) -> Report:
    return backproof.verify(network, subject, references=["torch"], **options)


def stepping(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """Loss, gradients, and the parameters after a step."""
    results = by_hand(parameters, batch)
    for name in NETWORK.shapes():
        results[f"updated/{name}"] = parameters[name] - RATE * results[f"gradient/{name}"]
    return results


def test_what_the_subject_gives_is_compared_and_what_it_does_not_is_named() -> None:
    report = check()
    assert report.status is Status.MATCH
    assert report.passed
    assert report.cause == ""
    assert {row.quantity for row in report.comparisons} == {"loss", "gradient"}
    assert set(report.to_frame()["status"]) == {"MATCH"}
    omitted = "parameter_count (3 tensors), activation (2 tensors), accuracy"
    assert f"the subject does not give it: {omitted}\n" in report.to_markdown()
    assert repr(report).startswith("<Report MATCH: All ")
    assert f"comparisons match; not compared, for the subject gives none: {omitted}.>" in repr(
        report
    )


def test_in_a_notebook_the_message_says_the_cause_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """There Rich shows what it prints in the cell's output, wherever it was to go."""
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)

    def change(results: dict[str, Any]) -> None:
        results["gradient/dense_1/kernel"] *= 2

    with pytest.raises(AssertionError) as caught:
        backproof.assert_equivalent(NETWORK, spoiled(change), references=["torch"])
    first, *rest = str(caught.value).splitlines()
    assert first.startswith("MISMATCH: ")
    assert len(first) > len("MISMATCH: ") + 20
    assert any("gradient/dense_1/kernel" in line for line in rest)


def test_one_tensor_is_enough() -> None:
    def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        return {"gradient/dense_1/bias": by_hand(parameters, batch)["gradient/dense_1/bias"]}

    report = check(subject)
    assert report.status is Status.MATCH
    assert {row.name for row in report.comparisons} == {"gradient/dense_1/bias"}


def test_a_wrong_element_is_a_mismatch_and_told() -> None:
    def change(results: dict[str, Any]) -> None:
        results["gradient/dense_1/kernel"][1, 2] *= 1 + 1e-9

    with pytest.raises(AssertionError, match=r"(?s)gradient/dense_1/kernel.*at \(1, 2\): actual"):
        backproof.assert_equivalent(NETWORK, spoiled(change), references=["torch"])
    assert check(spoiled(change)).exit_status == 1


def test_assert_equivalent_returns_its_report() -> None:
    assert backproof.assert_equivalent(NETWORK, by_hand, references=["torch"]).passed


def test_steps_are_compared_where_an_optimizer_is_named() -> None:
    report = check(stepping, optimizer=GradientDescent(RATE), steps=4)
    assert report.status is Status.MATCH
    assert {row.step for row in report.comparisons if row.point == "data"} == {0, 1, 2, 3}
    wrong = check(stepping, optimizer=GradientDescent(2 * RATE), steps=4)
    assert wrong.status is Status.MISMATCH
    assert {row.quantity for row in wrong.comparisons if row.status != "MATCH"} == {"updated"}


def test_slots_that_are_not_given_end_the_run_after_one_step() -> None:
    def with_momentum(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        results = by_hand(parameters, batch)
        for name in NETWORK.shapes():
            velocity = 0.9 * parameters[f"velocity/{name}"] + results[f"gradient/{name}"]
            results[f"updated/{name}"] = parameters[name] - RATE * velocity
        return results

    report = check(with_momentum, optimizer=Momentum(RATE), steps=4)
    assert report.status is Status.UNDECIDED
    assert {row.status for row in report.comparisons if "velocity" not in row.name} == {
        Status.MATCH
    }
    assert {row.step for row in report.comparisons} == {0}
    assert "updated (4 tensors)" in report.to_markdown()


def test_own_parameters_and_batch_are_the_data(tmp_path: Path) -> None:
    stream = np.random.default_rng(5)
    parameters = {name: stream.normal(size=shape) for name, shape in NETWORK.shapes().items()}
    inputs, targets = stream.normal(size=(6, 3)), np.eye(2)[[0, 1, 1, 0, 1, 0]]
    report = check(parameters=parameters, batch=(inputs, targets), dtype="float32")
    assert report.status is Status.MATCH
    (record,) = report.records
    assert record.dtype == "float32"
    assert (record.batches["data"].inputs == inputs.astype("float32")).all()
    report.write(tmp_path / "report")
    assert (tmp_path / "report" / "comparisons.csv").exists()


def test_the_second_call_finds_its_worker_alive_and_a_lost_one_replaced() -> None:
    check()
    workers = kept._kept[os.getpid(), Path.cwd(), "float64"]
    first = workers.by_name["torch"]
    check()
    assert workers.by_name["torch"] is first
    first.kill()
    first.process.wait()
    assert check().status in (Status.MATCH, Status.ERROR)  # the death may be noticed in this call
    assert check().status is Status.MATCH
    assert workers.by_name["torch"] is not first


# --- wrong questions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"references": []}, "references is empty"),
        ({"references": ["teach"]}, "no reference 'teach'"),
        ({"dtype": "float8"}, "choose 'float64' or 'float32'"),
        ({"subject": 3}, "subject is an int, 3; give something to call"),
        (
            {"batch": (np.zeros((2, 2)), np.eye(2))},
            r"the data have inputs \(samples, 2\), the network wants \(samples, 3\)",
        ),
        ({"parameters": {"dense_1/kernel": np.zeros((3, 4))}}, "parameters missing"),
    ],
)
def test_a_wrong_question_is_refused(options: dict[str, Any], message: str) -> None:
    options = {"subject": by_hand, "references": ["torch"], **options}
    with pytest.raises(UsageError, match=message):
        backproof.verify(NETWORK, **options)


# --- where it may be called from ---------------------------------------------------------------

SCRIPT = """
    import numpy as np
    from backproof import Dense, Loss, Network, verify

    def subject(parameters, batch):
        error = batch.inputs @ parameters["dense_1/kernel"] - batch.targets
        return {"loss": np.sum(error**2), "gradient/dense_1/kernel": 2 * batch.inputs.T @ error}

    network = Network((Dense(2, 1, bias=False),), Loss("squared_error", batch="sum"))
    report = verify(network, subject, references={references})
    print(report.status)
"""
MODEL = """
    import torch

    def twin():
        return torch.nn.Linear(2, 1, bias=False)
"""


def executed(path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(path)], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.slow(2)
def test_from_a_script_without_a_main_guard_in_another_folder(tmp_path: Path) -> None:
    """Its model is found beside it, wherever it is run from."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "models.py").write_text(textwrap.dedent(MODEL))
    path = tmp_path / "project" / "check.py"
    path.write_text(textwrap.dedent(SCRIPT).replace("{references}", '{"torch": "models.py:twin"}'))
    done = executed(path, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "MATCH\n"


@pytest.mark.slow(3)
def test_a_model_in_the_script_itself_is_refused_and_nothing_runs_wild(tmp_path: Path) -> None:
    path = tmp_path / "check.py"
    text = textwrap.dedent(MODEL) + textwrap.dedent(SCRIPT)
    path.write_text(
        text.replace("{references}", '{"torch": "check.py:twin"}') + "print(report.cause)\n"
    )
    done = executed(path, tmp_path)
    assert "ERROR" in done.stdout
    assert "keep models in a file of their own" in done.stdout


def test_from_a_notebook_where_there_is_no_file(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "models.py").write_text(textwrap.dedent(MODEL))
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {"__name__": "__main__"}
    code = textwrap.dedent(SCRIPT).replace("{references}", '{"torch": "models.py:twin"}')
    exec(code, space)
    assert space["report"].status is Status.MATCH
    assert space["report"]._repr_markdown_().startswith("# Backproof report")
    # A model that is edited between two cells is what it is now.
    (tmp_path / "models.py").write_text("from layers import twin\n")
    layers = textwrap.dedent(MODEL).replace("return", "return torch.nn.Sequential(").rstrip()
    for activation, status in (("Identity", Status.MATCH), ("ReLU", Status.MISMATCH)):
        (tmp_path / "layers.py").write_text(f"{layers}, torch.nn.{activation}())\n")
        exec(code, space)
        assert space["report"].status is status


@pytest.mark.slow(3)
def test_from_a_test_module_in_another_folder(tmp_path: Path) -> None:
    module = tmp_path / "somewhere" / "test_own.py"
    module.parent.mkdir()
    module.write_text(
        textwrap.dedent(SCRIPT).split("report =")[0]
        + "def test_it():\n"
        + "    from backproof import assert_equivalent\n"
        + "    assert_equivalent(network, subject, references=['torch'])\n"
        + "def test_wrong():\n"
        + "    from backproof import assert_equivalent\n"
        + "    def wrong(p, b): return {n: 2 * a for n, a in subject(p, b).items()}\n"
        + "    assert_equivalent(network, wrong, references=['torch'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(module), "-q", "-p", "no:cacheprovider"],
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "MISMATCH" in done.stdout
    assert "face.py" not in done.stdout  # the failure is shown at the test, not in backproof
