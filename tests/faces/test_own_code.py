"""What docs/own_code.md says of its examples is so, and what it does not say is found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import backproof
from backproof.comparison.judging.rows import Status
from backproof.mathematics.network import network_file
from tests.project import ROOT

DOCUMENT = ROOT / "docs" / "own_code.md"
SECTIONS = dict(re.findall(r"^##+ ([^\n]+)\n(.*?)(?=^##|\Z)", DOCUMENT.read_text(), re.M | re.S))


def example(section: str, language: str = "python") -> str:
    """The first of a section, in that language."""
    return re.findall(rf"```{language}\n(.*?)```", SECTIONS[section], re.S)[0]


def executed(code: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "example", "exec"), space)
    return space


@pytest.mark.slow(4)
def test_the_ten_lines_print_what_they_are_said_to(tmp_path: Path) -> None:
    code = example("Ten lines")
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    (tmp_path / "own.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "own.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout in SECTIONS["Ten lines"]
    assert done.stdout.startswith("<Report MATCH: ")


@pytest.mark.slow(3)
@pytest.mark.parametrize(("old", "new"), [("2 * batch", "batch"), ("error.mean", "error.sum")])
def test_a_bug_in_them_is_found(old: str, new: str, capsys: Any) -> None:
    code = example("Ten lines")
    assert code.count(old) == 1
    executed(code.replace(old, new))
    assert capsys.readouterr().out.startswith("<Report MISMATCH: ")


def test_the_test_passes_and_fails() -> None:
    code = example("In a test")
    executed(code)["test_gradient"]()
    with pytest.raises(AssertionError, match="MISMATCH gradient/dense_1/kernel"):
        executed(code.replace("2 * ", ""))["test_gradient"]()


def test_the_optimizer_matches_pytorch_and_so_does_keras_with_its_twin() -> None:
    code = example("Optimizers")
    assert executed(code)["report"].status is Status.MATCH
    assert executed(code.replace("+ 1e-8)", "+ 1e-7)"))["report"].status is Status.MISMATCH


def test_the_options_are_those_there_are() -> None:
    import inspect

    options = set(inspect.signature(backproof.verify).parameters) - {"network", "subject"}
    table = SECTIONS["verify"].split("| of a `Report`")[0]
    told = {
        name
        for row in re.findall(r"^\| (`[^|]*) \|", table, re.M)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert told == options
    face = SECTIONS["verify"].split("| of a `Report`")[1]
    for name in re.findall(r"`\.(\w+)", face):
        assert hasattr(backproof.Report, name), name


@pytest.mark.slow(2)
def test_an_activation_of_ones_own_is_compared(tmp_path: Path) -> None:
    (tmp_path / "square.py").write_text(example("Parts of your own"))
    (tmp_path / "own.py").write_text(
        "import numpy as np\n"
        "import square\n"
        "from backproof import Dense, Loss, Network, verify\n\n\n"
        "def subject(state, batch):\n"
        '    z = batch.inputs @ state["dense_1/kernel"]\n'
        "    error = z**2 - batch.targets\n"
        "    kernel = 2 * batch.inputs.T @ (error * 2 * z)\n"
        '    return {"loss": (error**2).sum(), "gradient/dense_1/kernel": kernel}\n\n\n'
        'layers = (Dense(3, 2, "square", bias=False),)\n'
        'network = Network(layers, Loss("squared_error", batch="sum"))\n'
        'print(verify(network, subject, references=["torch"]))\n'
    )
    done = subprocess.run(
        [sys.executable, "own.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("<Report MATCH: ")


def test_the_network_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "network.toml"
    path.write_text(example("A project of its own", "toml"))
    network, optimizer = network_file.load(path)
    assert network.parameter_counts() == {"dense_1": 24, "dense_2": 9}
    assert optimizer == backproof.Momentum(0.1)


def test_the_readme_has_the_same_lines() -> None:
    """Its pairing and its commands run in tests/faces/test_documents.py."""
    assert example("Ten lines") in (DOCUMENT.parents[1] / "README.md").read_text()
