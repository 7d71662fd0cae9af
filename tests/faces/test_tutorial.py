"""The tutorial, word for word: its files, its changes, its commands, and what is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faces.test_bad_input import backproof
from tests.project import ROOT

TEXT = (ROOT / "docs" / "tutorial.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
BLOCKS = BLOCK.findall(TEXT)
PYTHON = [text for language, text in BLOCKS if language == "python"]
SAID = [text.splitlines() for language, text in BLOCKS if language == "text"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The two files of the tutorial."""
    for text in PYTHON[:2]:
        place, _, content = text.partition("\n")
        file = tmp_path / place.removeprefix("# ")
        file.parent.mkdir()
        file.write_text(content)
    return tmp_path


def verified(project: Path, status: int, said: list[str]) -> None:
    """What is said, whatever lines the terminal breaks it into."""
    done = backproof("verify", cwd=project)
    assert done.returncode == status, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert [line for line in said if line not in told] == [], told


@pytest.mark.slow(12)
def test_the_tutorial_is_as_it_says(project: Path) -> None:
    assert (len(PYTHON), len(SAID)) == (4, 3)
    first, second, third = SAID
    verified(project, 3, first)
    pairing = project / "comparisons" / "logistic.py"
    _, _, adapted = PYTHON[2].partition("\n")
    text = pairing.read_text().replace("import Batch", "import adapters, Batch")
    pairing.write_text(text.replace("PAIRING =", f"{adapted}\n\nPAIRING ="))
    verified(project, 0, second)
    code = project / "scratch" / "logistic.py"
    _, _, wrong = PYTHON[3].partition("\n")
    right = re.search(r"^    error = .*\n", code.read_text(), re.M)
    assert right
    code.write_text(code.read_text().replace(right[0], wrong))
    verified(project, 1, third)
