"""The gate on code: whatever small edit of the hand-written networks changes a result is caught."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backproof.comparison.judging.rows import exit_status
from tests.gauging.gate.conftest import ROOT
from tests.gauging.gate.mutants import FUNCTIONS, Mutant, mutants
from tests.gauging.gate.planted import JudgeSource
from tests.halves import slow_but

MUTANTS = [mutant for file in FUNCTIONS for mutant in mutants(file)]
# What the networks share is judged on one with a threshold and on one with an argmax.
PAIRINGS = {"training.py": ("circles", "clusters")}
# Edits that change no result, or none beyond what rounding may decide: they must pass.
HARMLESS = {
    "xor.py: w2 @ delta2 → (w2) * (delta2)": "one output: the product of a column and a row",
    "clusters.py: z1 > 0 → (z1) >= (0)": "either slope of a ReLU at 0 is right",
    "training.py: columns[0] > 0.5 → (columns[0]) >= (0.5)": "½ is within the bound of ½",
}


def place(mutant: Mutant) -> str:
    """A mutant without its line, which another edit may move."""
    return f"{mutant.file}: {mutant.old} → {mutant.new}"


def test_there_are_enough_of_every_sort() -> None:
    assert len(MUTANTS) >= 60
    assert {place(mutant) for mutant in MUTANTS} >= HARMLESS.keys()
    sources = [mutant.source for mutant in MUTANTS]
    assert len(set(sources)) == len(sources)
    edits = [place(mutant) for mutant in MUTANTS]
    for sort in ("0 → 1", "@", ".T →", "> 0", "0.5", "*=", "- (", "sum", "maximum"):
        assert any(sort in edit for edit in edits), sort


@pytest.mark.usefixtures("unexplained")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "mutant", slow_but(MUTANTS[::30], MUTANTS, 0.2), ids=lambda mutant: mutant.name
)
def test_an_edit_that_changes_a_result_is_caught(mutant: Mutant, judge_source: JudgeSource) -> None:
    statuses = []
    for pairing in PAIRINGS.get(mutant.file, (mutant.file.removesuffix(".py"),)):
        rows = judge_source(pairing, mutant.file, mutant.source, steps=2)
        statuses.append(exit_status([row.status for row in rows]))
    assert any(statuses) != (place(mutant) in HARMLESS), statuses


@pytest.mark.slow(6)
def test_the_command_line_fails_too(tmp_path: Path) -> None:
    """The same edit in a copy of the project, as its user would run it."""
    for folder in ("scratch", "reference", "comparisons"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    mutant = next(m for m in MUTANTS if m.file == "xor.py" and m.old.startswith("w1.T @"))
    command = [sys.executable, "-m", "backproof", "verify", "--only", "xor", "--reference", "torch"]
    clean = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    (tmp_path / "scratch" / "xor.py").write_text(mutant.source)
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).returncode != 0
