"""`backproof init`: what it lays out works, fails when it should, and writes over nothing.

The commands of its tox.ini run here as they stand there, in the environment of the tests: that tox
itself makes an environment for them takes minutes, and is tried by hand.
"""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from backproof.faces.command_line.init import EXTRAS
from backproof.implementations.host.installation import requirement
from tests.faces.test_bad_input import backproof

SUM = "inputs.T @ delta1 + 2 * l2 * w1"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    done = backproof("init", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Next: backproof verify, pytest, or tox there." in done.stdout
    return folder


def by_tox(
    folder: Path, of_verify: tuple[str, ...] = (), of_pytest: tuple[str, ...] = ()
) -> list[subprocess.CompletedProcess[str]]:
    """The commands of tox.ini, one by one, with further arguments."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(folder / "tox.ini")
    commands = config["testenv:own"]["commands"].replace("{posargs}", "").strip().splitlines()
    assert len(commands) == 2
    return [
        subprocess.run(
            [sys.executable, *shlex.split(line)[1:], *further],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        for line, further in zip(commands, (of_verify, of_pytest), strict=True)
    ]


def test_it_lays_out_a_project(own: Path) -> None:
    found = {path.relative_to(own).parts[0] for path in own.rglob("*") if path.is_file()}
    folders = {"scratch", "reference", "comparisons", "tests", "reports"}
    assert found >= folders | {"tox.ini", "README.md", ".gitignore"}
    assert not list(own.rglob("*.pyc"))


@pytest.mark.slow(14)
def test_what_tox_runs_there_passes(own: Path) -> None:
    verified, tested = by_tox(own)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "comparisons match" in verified.stdout
    assert (own / "reports" / "latest" / "report.md").exists()
    assert tested.returncode == 0, tested.stdout
    assert "passed" in tested.stdout


def test_tox_installs_what_laid_it_out(own: Path) -> None:
    """No package index need have backproof: it comes from where this one did."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(own / "tox.ini")
    (wanted,) = re.findall(r"^\{env:BACKPROOF:(.*)\}$", config["testenv:own"]["deps"])
    assert wanted == requirement(*EXTRAS)


def test_its_gradients_are_explained(own: Path) -> None:
    said = backproof("explain", "moons", cwd=own).stdout
    assert "| total | | | | 33 |" in said
    assert r"= X^\top \Delta_{1} + 0.0002\, W_{1}" in said


@pytest.mark.slow(14)
def test_a_bug_fails_both(own: Path, tmp_path: Path) -> None:
    """With PyTorch alone: that both references run is seen where it passes."""
    assert backproof("init", "elsewhere", cwd=tmp_path).returncode == 0
    folder = tmp_path / "elsewhere"
    file = folder / "scratch" / "moons.py"
    assert file.read_text().count(SUM) == 1
    file.write_text(file.read_text().replace(SUM, "inputs.T @ delta1 + l2 * w1"))
    verified, tested = by_tox(folder, ("--reference", "torch"), ("-k", "torch"))
    assert verified.returncode == 1
    assert tested.returncode == 1
    assert "the penalty carries a factor ½" in verified.stdout


def test_nothing_is_written_over(own: Path) -> None:
    file = own / "scratch" / "moons.py"
    before = file.read_text()
    file.write_text("mine\n")
    done = backproof("init", cwd=own)
    file.write_text(before)
    assert done.returncode == 2
    assert "already, and nothing is written over: choose an empty folder" in done.stderr


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = backproof("init", "file/below", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
