"""Whatever a recipe does instead of an answer, at each moment: no number passes, and it is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faces.planted_ends import HARD, SOFT, run
from tests.faces.plugin_project import backproof_alone
from tests.halves import slow_but
from tests.reproduction import sample

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the deeds are of Linux: posix, its signals, its C library"
)
IMPORTS = """
import ctypes, os, posix, signal, sys, time

class Odd(BaseException):
    pass

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")
"""
# By moment, the line of the recipe after which it is done.
MOMENTS = {
    "file": "RATE, STEPS = 0.5, 40\n",
    "data": "def data():\n",
    "subject": "def results(parameters, batch):\n",
    "train": "def train(batch, report):\n",
    "read": "def read(told):\n",
    "sample": "def sample(seed):\n",
}
DEEDS = {**SOFT, **HARD}
# Each is a whole run, of seconds: all deeds at the file, which is quick, and four kinds elsewhere.
FEW = ("exits", "raises_no_exception", "raises_mute", "killed")
CASES = [
    *(("file", name) for name in DEEDS),
    *((moment, name) for moment in MOMENTS if moment != "file" for name in FEW),
]
# A worker that ends says so in other words than a run that does.
ENDED = ("ended by itself with status 0", "was ended by SIG", "wanted to exit")


@pytest.fixture(scope="module")
def backproof(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backproof_alone(tmp_path_factory.mktemp("backproof"))


@pytest.mark.parametrize(
    ("moment", "name"),
    slow_but([("file", "exits"), ("read", "killed")], CASES, 2),
)
def test_nothing_passes_and_it_is_said(
    moment: str, name: str, tmp_path: Path, backproof: Path
) -> None:
    line = MOMENTS[moment]
    indent = "" if moment == "file" else "    "
    sample.write(tmp_path, change=(line, f"{line}{indent}{DEEDS[name].code}\n"))
    recipe = tmp_path / "comparisons" / "reproduce" / "logistic.py"
    recipe.write_text(IMPORTS + recipe.read_text())
    done = run(tmp_path, backproof, "reproduce", "--reference", "numpy", "--report", "report")
    shown = " ".join((done.stdout + done.stderr).split())
    assert done.returncode in (2, 3), shown
    assert "Traceback" not in shown
    said = DEEDS[name].said.removeprefix("the run ").removesuffix(" while")
    assert said in shown or any(words in shown for words in ENDED), shown
    if (moment, name) not in [("file", hard) for hard in HARD]:
        assert (tmp_path / "report" / "reproduction.md").is_file()
