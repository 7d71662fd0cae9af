"""A subject of single precision is compared in that, wherever it is run; what it omits, nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faces.planted_ends import run, write
from tests.faces.plugin_project import backproof_alone, environment
from tests.faces.test_bad_input import rows_of

WRONG = "parameters = {name: 1.001 * array for name, array in parameters.items()}"


@pytest.fixture(scope="module")
def backproof(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backproof_alone(tmp_path_factory.mktemp("backproof"))


def write_single(folder: Path, name: str, subject: str = "pass", **options: str) -> None:
    """A pairing file whose subject computes in single precision, with further options."""
    write(folder, name, subject=subject)
    path = folder / "comparisons" / f"{name}.py"
    given = "".join(f"\n    {option}={value}," for option, value in options.items())
    text = path.read_text().replace("import Batch", "import adapters, Batch")
    text = text.replace("subject=subject,", f"subject=adapters.float32(subject),{given}")
    path.write_text(text)


def by_pytest(folder: Path, backproof: Path, *options: str) -> subprocess.CompletedProcess[str]:
    plugins = ("-p", "backproof.faces.pytest_plugin", "-p", "xdist.plugin")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "comparisons", "-rs", *options],
        cwd=folder,
        env={**os.environ, **environment(backproof)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_both_precisions_stand_in_one_report(tmp_path: Path, backproof: Path) -> None:
    write(tmp_path, "double")
    write_single(tmp_path, "single")
    done = run(tmp_path, backproof, "verify", "--report", "report")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = rows_of(tmp_path / "report")
    assert {(row["pairing"], row["dtype"], row["status"]) for row in rows} == {
        ("double", "float64", "MATCH"),
        ("single", "float32", "MATCH"),
    }
    again = run(tmp_path, backproof, "replay", "report", "--report", "again")
    assert again.returncode == 0
    assert rows_of(tmp_path / "again") == rows


@pytest.mark.slow(1.5)
def test_a_wrong_one_is_wrong(tmp_path: Path, backproof: Path) -> None:
    write(tmp_path, "double")
    write_single(tmp_path, "single", WRONG)
    done = run(tmp_path, backproof, "verify", "--report", "report")
    assert done.returncode == 1
    wrong = {row["pairing"] for row in rows_of(tmp_path / "report") if row["status"] == "MISMATCH"}
    assert wrong == {"single"}


@pytest.mark.slow(3)
@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_so_is_it_under_pytest(tmp_path: Path, backproof: Path, options: tuple[str, ...]) -> None:
    write(tmp_path, "double")
    write_single(tmp_path, "single")
    done = by_pytest(tmp_path, backproof, *options)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


@pytest.mark.parametrize("options", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow(3))])
def test_what_a_partial_subject_omits_is_skipped(
    tmp_path: Path, backproof: Path, options: tuple[str, ...]
) -> None:
    """And what it gives wrongly fails."""
    names = '("activation", "loss", "gradient")'
    write(tmp_path, "part")
    path = tmp_path / "comparisons" / "part.py"
    text = path.read_text().replace('quantities=("loss", "gradient")', f"quantities={names}")
    path.write_text(text.replace("steps=1,", "steps=1,\n    partial=True,"))
    done = by_pytest(tmp_path, backproof, *options)
    assert done.returncode == 0, done.stdout
    assert "3 passed, 1 skipped" in done.stdout
    assert "not compared: the subject gives no activation/dense_1" in done.stdout
    path.write_text(path.read_text().replace("0.5 * (delta**2).sum()", "(delta**2).sum()"))
    done = by_pytest(tmp_path, backproof, *options)
    assert done.returncode == 1
    assert "1 failed, 2 passed, 1 skipped" in done.stdout
