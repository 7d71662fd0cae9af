"""A file that cannot be loaded is told at once, with the right file and line."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backproof.faces.command_line.selection import likely
from tests.faces.test_bad_input import backproof, write_pairing
from tests.halves import slow_but

WRONG = {
    "syntax": ("scratch", "x = = 2\n", "scratch/moons.py:1: invalid syntax"),
    "import": (
        "scratch",
        "import numpy as np\n\nnp.linalg.inv(np.ones((2, 3)))\n",
        "scratch/moons.py:3: LinAlgError: Last 2 dimensions of the array must be square",
    ),
    "itself": ("comparisons", "x = 1\ny = = 2\n", "comparisons/moons.py:2: invalid syntax"),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert backproof("init", cwd=tmp_path).returncode == 0
    return tmp_path


@pytest.mark.parametrize("kind", slow_but(["syntax"], WRONG, 2))
def test_file_and_line(kind: str, project: Path) -> None:
    folder, text, message = WRONG[kind]
    (project / folder / "moons.py").write_text(text)
    for command in (["verify"], ["explain", "moons"], ["faults"]):
        done = backproof(*command, cwd=project)
        assert done.returncode == 2
        assert message in done.stderr
        if folder == "scratch":
            assert "so comparisons/moons.py cannot be loaded" in done.stderr


@pytest.mark.parametrize("others", slow_but([False], [False, True], 4))
def test_it_waits_for_no_framework(others: bool, project: Path) -> None:
    """A framework that takes a minute to be imported is not waited for."""
    (project / "scratch" / "moons.py").write_text(WRONG["syntax"][1])
    if others:
        write_pairing(project / "comparisons", "good")
    (project / "torch.py").write_text("import time\n\ntime.sleep(60)\n")
    (project / "keras.py").write_text("import time\n\ntime.sleep(60)\n")
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "backproof", "verify"],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert WRONG["syntax"][2] in line
    assert ("the other pairings are compared" in line) is others
    if others:
        process.send_signal(signal.SIGINT)
    process.communicate()
    assert time.monotonic() - began < 50


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("PAIRING = Pairing(name='moons')", ["keras", "torch"]),
        ('PAIRING = Pairing(references={"torch": None})', ["torch"]),
        ('PAIRING = Pairing(references={"numpy": None})', []),
        ("y = = 2", []),
        ("def moons():\n    return 1", []),
    ],
)
def test_frameworks_are_started_early_for_pairings_alone(
    text: str, wanted: list[str], tmp_path: Path
) -> None:
    """They take seconds; a broken file, or one of helpers, needs none of them."""
    (tmp_path / "moons.py").write_text(text)
    assert likely([tmp_path]) == wanted
