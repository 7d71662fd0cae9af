"""Bad input: a clear message, the right exit status, and nothing lost of what was computed."""

from __future__ import annotations

import csv
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from backproof.comparison.judging.rows import Status, exit_status
from tests.faces import planted_ends
from tests.faces.plugin_project import backproof_alone
from tests.halves import slow_but

PAIRING = """
    import numpy as np
    from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

    def gradients(parameters, batch):
        kernel, bias = parameters["dense_1/kernel"], parameters["dense_1/bias"]
        z = batch.inputs @ kernel + bias
        p = 1 / (1 + np.exp(-z))
        delta = (p - batch.targets) / len(z)
        return {{
            "loss": np.mean(np.logaddexp(0, z) - batch.targets * z),
            "gradient/dense_1/kernel": batch.inputs.T @ delta,
            "gradient/dense_1/bias": delta.sum(axis=0),
        }}

    def data():
        return Batch(np.arange(8.0).reshape(4, 2) - 3, np.array([[0.0], [1.0], [1.0], [0.0]]))

    def subject(parameters, batch):
        results = gradients(parameters, batch)
        {change}
        return results

    def initial():
        return {{"dense_1/kernel": np.array([[0.5], [-0.25]]), "dense_1/bias": np.array([0.125])}}

    PAIRING = Pairing(
        name="{name}",
        network=Network((Dense(2, 1, "sigmoid"),), Loss("binary_cross_entropy")),
        subject=subject,
        data=data,
        initial={initial},
        optimizer=GradientDescent(0.1),
        references={{{references}}},
        quantities=("loss", "gradient"),
    )
"""

# name: (what the subject does to its results, exit status, what the report or the screen says)
SUBJECTS = {
    "good": ("pass", 0, ""),
    "wrong_value": ("results['loss'] *= 1 + 1e-9", 1, "is allowed"),
    "wrong_shape": (
        "results['gradient/dense_1/kernel'] = results['gradient/dense_1/kernel'].T",
        3,
        "subject: gradient/dense_1/kernel has shape (1, 2), but should be (2, 1)",
    ),
    "broadcastable": (
        "results['gradient/dense_1/kernel'] = results['gradient/dense_1/kernel'][:1]",
        3,
        "has shape (1, 1), but should be (2, 1)",
    ),
    "wrong_dtype": (
        "results['gradient/dense_1/bias'] = results['gradient/dense_1/bias'].astype('float32')",
        3,
        "gradient/dense_1/bias has dtype float32, but should be float64",
    ),
    "missing": (
        "del results['gradient/dense_1/bias']",
        3,
        "subject: gave no gradient/dense_1/bias",
    ),
    "extra": (
        "results['gradient/dense_1/kernal'] = 0.0",
        3,
        "did you mean 'gradient/dense_1/kernel'?",
    ),
    "not_a_number": ("results['loss'] = np.nan", 3, "loss is nan"),
    "infinite": (
        "results['gradient/dense_1/kernel'][1, 0] = np.inf",
        3,
        "gradient/dense_1/kernel is inf at (1, 0), and not finite in 1 of 2 elements",
    ),
    "objects": (
        "results['loss'] = np.array([None])",
        3,
        "the subject gave loss as an array of objects, with None at (0,); give an array of numbers",
    ),
    "raises": (
        "raise RuntimeError('no luck')",
        3,
        "the subject raised RuntimeError: no luck (comparisons/raises.py:",
    ),
}
TWINS = {
    "twin_raises": (
        "broken_twins.py:raises",
        3,
        "torch: ValueError: not today (broken_twins.py:",
    ),
    "twin_dies": ("broken_twins.py:dies", 3, "the torch worker was ended by SIGKILL"),
    "twin_exits": ("broken_twins.py:leaves", 3, "the torch worker ended by itself with status 7"),
    "twin_hangs": ("broken_twins.py:hangs", 3, "gave no answer for 5 s and was killed"),
    "twin_shape": ("broken_twins.py:narrow", 3, "the module's layers with parameters are"),
    "no_factory": ("broken_twins.py:raisin", 3, "has no factory 'raisin'"),
    "no_file": ("nowhere.py:twin", 3, "nowhere.py: no such file"),
}
WEIGHTS = {
    "truncated_npz": ("truncated.npz", 2, "truncated.npz: cannot be read as weights"),
    "pickled_npz": ("pickled.npz", 2, "save plain arrays instead of pickles"),
    "truncated_safetensors": ("truncated.safetensors", 2, "cannot be read as weights"),
    "missing_weights": ("nowhere.npz", 2, "nowhere.npz"),
}
TWIN_FILE = """
    import os, signal, time
    import torch

    def raises():
        raise ValueError("not today")

    def dies():
        os.kill(os.getpid(), signal.SIGKILL)

    def leaves():
        os._exit(7)

    def hangs():
        time.sleep(600)

    def narrow():
        return torch.nn.Linear(1, 1)
"""


def write_pairing(folder: Path, name: str, **parts: str) -> None:
    """A pairing file with one thing changed."""
    filled = {"change": "pass", "initial": "initial", "references": '"torch": None'} | parts
    (folder / f"{name}.py").write_text(textwrap.dedent(PAIRING).format(name=name, **filled))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one good pairing, and one for each thing that may be wrong with one."""
    root = tmp_path_factory.mktemp("project")
    comparisons = root / "comparisons"
    comparisons.mkdir()
    for name, (change, *_) in SUBJECTS.items():
        write_pairing(comparisons, name, change=change)
    write_pairing(comparisons, "z_after")
    for name, (model, *_) in TWINS.items():
        write_pairing(comparisons, name, references=f'"torch": "{model}"')
    for name, (file, *_) in WEIGHTS.items():
        write_pairing(comparisons, name, initial=f'"{file}"')
    (root / "broken_twins.py").write_text(textwrap.dedent(TWIN_FILE))
    np.savez(root / "whole.npz", **{"dense_1/kernel": np.ones((2, 1)), "dense_1/bias": np.ones(1)})
    whole = (root / "whole.npz").read_bytes()
    (root / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    objects: Any = np.array([None])
    np.savez(root / "pickled.npz", **{"dense_1/kernel": objects, "dense_1/bias": objects})
    (root / "truncated.safetensors").write_bytes(b"\x40\0\0\0\0\0\0\0{")
    return root


def backproof(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line, as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "backproof", *arguments], cwd=cwd, capture_output=True, text=True
    )


def rows_of(report: Path) -> list[dict[str, str]]:
    """The rows of a report's table."""
    with (report / "comparisons.csv").open(newline="") as file:
        return list(csv.DictReader(file))


class Run(NamedTuple):
    """What one run has said, and its rows."""

    output: str
    rows: list[dict[str, str]]


def run(project: Path, report: Path, names: Iterable[str], *options: str) -> Run:
    """One run over some pairings, with the good ones among them."""
    only = [part for name in ("good", *names, "z_after") for part in ("--only", name)]
    done = backproof("verify", *only, "--report", str(report), *options, cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return Run(done.stdout + done.stderr, rows_of(report))


@pytest.fixture(scope="module")
def wrong_subjects(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(project, tmp_path_factory.mktemp("subjects") / "report", [*SUBJECTS, *WEIGHTS])


@pytest.fixture(scope="module")
def wrong_twins(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """With a mismatch among them, as `run` expects one."""
    report = tmp_path_factory.mktemp("twins") / "report"
    return run(project, report, ["wrong_value", *TWINS], "--time-limit", "5")


@pytest.mark.parametrize("name", slow_but([*SUBJECTS, *WEIGHTS], [*SUBJECTS, *WEIGHTS, *TWINS], 2))
def test_each_is_said_of_its_own_pairing(name: str, request: pytest.FixtureRequest) -> None:
    """Before, among and after those that are wrong run good ones; their rows stay whole."""
    _, status, message = (SUBJECTS | TWINS | WEIGHTS)[name]
    done: Run = request.getfixturevalue("wrong_twins" if name in TWINS else "wrong_subjects")
    rows = [row for row in done.rows if row["pairing"] == name]
    if name in WEIGHTS:  # it cannot start: it has no rows, and the run says why
        assert rows == []
        assert message in " ".join(done.output.split())
    else:
        assert exit_status([Status(row["status"]) for row in rows]) == status
        assert message in " ".join(row["cause"] + row["detail"] for row in rows)
    for good in ("good", "z_after"):
        theirs = {(row["status"], row["cause"]) for row in done.rows if row["pairing"] == good}
        assert theirs == {("MATCH", "")}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The backproof with a twin in NumPy, which starts at once."""
    return backproof_alone(tmp_path_factory.mktemp("backproof"))


WRONG_VALUE = {"subject": "batch = Batch(batch.inputs, batch.targets + 1e-3)"}


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({}, 0),
        (WRONG_VALUE, 1),
        pytest.param({"initial": "raise ValueError"}, 2, marks=pytest.mark.slow(0.7)),
        pytest.param({"subject": "raise ValueError"}, 3, marks=pytest.mark.slow(0.7)),
    ],
    ids=["good", "wrong value", "no start", "raises"],
)
def test_exit_status(parts: dict[str, str], status: int, tmp_path: Path, alone: Path) -> None:
    """One of each sort, beside one that is good."""
    planted_ends.write(tmp_path, "good")
    planted_ends.write(tmp_path, "other", **parts)
    done = planted_ends.run(tmp_path, alone, "verify")
    assert done.returncode == status, done.stdout + done.stderr


@pytest.mark.slow(4)
def test_a_syntax_error_is_named_and_the_others_run(tmp_path: Path, alone: Path) -> None:
    planted_ends.write(tmp_path, "good")
    comparisons = tmp_path / "comparisons"
    (comparisons / "broken.py").write_text("x = 1\ny = = 2\n")
    (comparisons / "failing.py").write_text("x = 1\ny = 1 / 0\n")
    report = tmp_path / "report"
    done = planted_ends.run(tmp_path, alone, "verify", "--report", str(report))
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2
    assert "broken.py:2: invalid syntax" in said
    assert "failing.py:2: ZeroDivisionError: division by zero" in said
    assert {row["status"] for row in rows_of(report)} == {"MATCH"}
    assert "broken.py" in (report / "report.md").read_text()


def test_a_mismatch_comes_before_a_file_that_cannot_be_loaded(tmp_path: Path, alone: Path) -> None:
    planted_ends.write(tmp_path, "wrong", **WRONG_VALUE)
    (tmp_path / "comparisons" / "broken.py").write_text("y = = 2\n")
    assert planted_ends.run(tmp_path, alone, "verify").returncode == 1


@pytest.mark.slow(2)
def test_a_framework_that_is_not_installed(project: Path, tmp_path: Path) -> None:
    """Keras is hidden behind a package that cannot be imported; PyTorch's rows are whole."""
    comparisons = tmp_path / "comparisons"
    comparisons.mkdir()
    write_pairing(comparisons, "good", references='"torch": None, "keras": None')
    (tmp_path / "keras.py").write_text("raise ModuleNotFoundError(\"No module named 'keras'\")\n")
    report = tmp_path / "report"
    done = backproof("verify", "--report", str(report), cwd=tmp_path)
    assert done.returncode == 3
    by_reference: dict[str, set[str]] = {}
    for row in rows_of(report):
        by_reference.setdefault(row["reference"], set()).add(row["status"])
        if row["reference"] == "keras":
            assert "pip install 'backproof[keras]" in row["cause"]
    assert by_reference == {"torch": {"MATCH"}, "keras": {"ERROR"}}


def test_a_report_folder_that_cannot_be_written(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = backproof(
        "verify", "--only", "good", "--report", str(tmp_path / "file" / "report"), cwd=project
    )
    assert done.returncode == 2
    assert str(tmp_path / "file") in " ".join(done.stderr.split()).replace(" ", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "nowhere"], "nowhere: no such file or folder"),
        pytest.param(
            ["verify", "--only", "goof"], "did you mean 'good'?", marks=pytest.mark.slow(0.5)
        ),
        pytest.param(
            ["verify", "--reference", "teach"],
            "no reference 'teach'; there are",
            marks=pytest.mark.slow(0.4),
        ),
        (["fuzz", "--reference", "teach"], "no reference 'teach'; there are"),
        pytest.param(
            ["calibrate", "--reference", "teach"],
            "no reference 'teach'; there are",
            marks=pytest.mark.slow(0.4),
        ),
        pytest.param(["verify", "--dtype", "float8"], "float8", marks=pytest.mark.slow(0.4)),
        (["replay", "."], "no stored evaluations"),
        pytest.param(["verfy"], "verfy", marks=pytest.mark.slow(0.4)),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, project: Path) -> None:
    done = backproof(*arguments, cwd=project)
    assert done.returncode == 2
    assert message in " ".join((done.stdout + done.stderr).split())
