"""Verify and replay: the same rows, the same bytes, the chosen dtype and reference."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from backproof import __version__
from backproof.comparison.record.archive import seal_of
from backproof.comparison.record.record import write_json
from backproof.faces.command_line.main import app
from backproof.faces.command_line.options import detail
from backproof.mathematics.errors import UsageError
from backproof.reports.environment import versions
from tests.faces.test_bad_input import backproof, rows_of, write_pairing

FILES = ("comparisons.csv", "report.md", "report.html", "summary.md", "environment.json")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One pairing that matches and one that does not, with the report of a run."""
    root = tmp_path_factory.mktemp("project")
    (root / "comparisons").mkdir()
    write_pairing(root / "comparisons", "good")
    write_pairing(root / "comparisons", "wrong", change="results['loss'] *= 1 + 1e-9")
    assert backproof("verify", "--report", "first", cwd=root).returncode == 1
    return root


@pytest.mark.slow(5)
def test_two_runs_write_the_same_bytes(project: Path) -> None:
    backproof("verify", "--report", "second", cwd=project)
    for file in FILES:
        assert (project / "first" / file).read_bytes() == (project / "second" / file).read_bytes()


def test_replay_judges_alike(project: Path) -> None:
    done = backproof("replay", "first", "--report", "replayed", cwd=project)
    assert done.returncode == 1
    assert "MISMATCH" in done.stdout
    assert "::error" not in done.stdout
    annotated = backproof("replay", "first", "--format", "github", "-q", cwd=project)
    assert "\n::error file=comparisons/wrong.py,line=" in annotated.stdout
    for file in FILES:
        assert (project / "first" / file).read_bytes() == (project / "replayed" / file).read_bytes()


@pytest.mark.slow(3)
def test_replay_sees_a_changed_evaluation(project: Path) -> None:
    """The stored numbers are what is judged, not the verdict that stood beside them."""
    from safetensors.numpy import load_file, save_file

    backproof("verify", "--only", "good", "--report", "changed", cwd=project)
    path = project / "changed" / "evaluations" / "good" / "torch.safetensors"
    tensors = load_file(path)
    tensors["data/0/loss"] *= np.asarray(1 + 1e-9)
    save_file(tensors, path)
    assert backproof("replay", "changed", cwd=project).returncode == 2  # not what was sealed
    manifest = project / "changed" / "evaluations" / "manifest.json"
    known = json.loads(manifest.read_text())
    known["pairings"]["good"]["files"][path.name] = seal_of(path)
    write_json(manifest, known)
    assert backproof("replay", "changed", cwd=project).returncode == 1


@pytest.mark.slow(2)
def test_float32_throughout(project: Path) -> None:
    done = backproof(
        "verify", "--only", "good", "--dtype", "float32", "--report", "single", cwd=project
    )
    assert done.returncode == 0, done.stdout
    assert {row["dtype"] for row in rows_of(project / "single")} == {"float32"}


@pytest.mark.slow(4)
def test_both_dtypes_in_one_run(project: Path) -> None:
    """What is off in float32 alone is seen beside a float64 that matches."""
    write_pairing(
        project / "comparisons",
        "narrow",
        change="results['loss'] *= 1 + 1e-3 * (results['loss'].dtype == 'float32')",
    )
    arguments = ("verify", "--only", "good", "--only", "narrow", "--dtype", "both")
    done = backproof(*arguments, "--report", "both", cwd=project)
    assert done.returncode == 1, done.stdout
    rows = rows_of(project / "both")
    assert {(row["pairing"], row["dtype"]) for row in rows} == {
        (f"{name}{also}", dtype)
        for name in ("good", "narrow")
        for also, dtype in (("", "float64"), (" (float32)", "float32"))
    }
    wrong = {row["pairing"] for row in rows if row["status"] == "MISMATCH"}
    assert wrong == {"narrow (float32)"}
    assert backproof("replay", "both", cwd=project).returncode == 1
    alone = backproof("verify", "--only", "good", "--dtype", "both", cwd=project)
    assert alone.returncode == 0, alone.stdout
    (project / "comparisons" / "narrow.py").unlink()


def test_digits_and_shape_are_filled(project: Path) -> None:
    rows = [row for row in rows_of(project / "first") if row["pairing"] == "good"]
    assert all(float(row["subject_digits"]) > 12 for row in rows if row["subject_digits"])
    assert any(row["subject_digits"] for row in rows)
    assert {row["shape"] for row in rows} == {"scalar", "2×1", "1"}


def test_help_names_the_commands() -> None:
    said = backproof("--help", cwd=Path.cwd()).stdout
    assert "verify" in said
    assert "replay" in said


def test_every_help_says_what_the_exit_status_means() -> None:
    commands = typer.main.get_command(app).commands
    assert {"verify", "replay", "fuzz", "faults", "reproduce", "calibrate"} <= set(commands)
    for command in commands.values():
        assert re.search(r"Exit status: 0 .*; 70 a fault of backproof itself", command.epilog)


def test_the_version_is_that_of_all_that_a_verdict_depends_on() -> None:
    told = versions()
    assert told.startswith(f"backproof {__version__}\nPython 3.")
    assert f"numpy {np.__version__}" in told
    assert CliRunner().invoke(app, ["--version"]).stdout == told + "\n"


@pytest.mark.slow(4)
def test_fail_fast_says_how_much_was_not_judged(project: Path) -> None:
    after = project / "comparisons" / "zebra.py"
    write_pairing(after.parent, after.stem)
    try:
        done = backproof("verify", "--fail-fast", "--quiet", cwd=project)
        every = backproof("verify", "--quiet", cwd=project)
    finally:
        after.unlink()
    assert done.returncode == every.returncode == 1
    assert "stopped after the first that fails: 1 not judged" in done.stdout
    assert "not judged" not in every.stdout


def test_quiet_and_verbose_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        detail(quiet=True, verbose=True)
