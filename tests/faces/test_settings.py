"""[tool.backproof] in pyproject.toml: what it sets, what it must not say, what goes before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from backproof.faces.command_line import settings
from backproof.faces.command_line.main import app
from backproof.mathematics.errors import UsageError
from tests.faces.test_bad_input import backproof, write_pairing


def read(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> dict[str, Any]:
    (folder / "pyproject.toml").write_text(text)
    monkeypatch.chdir(folder)
    command = typer.main.get_command(app)
    return settings.of(command.make_context("backproof", [], resilient_parsing=True))


def test_an_option_for_all_and_one_for_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        '[tool.backproof]\ndtype = "float32"\n[tool.backproof.verify]\nonly = "xor"\nquiet = true\n'
    )
    found = read(tmp_path, monkeypatch, text)
    assert found["verify"] == {"dtype": "float32", "only": ["xor"], "quiet": True}
    assert found["fuzz"] == {"dtype": "float32"}
    assert found["init"] == {}


def test_the_nearest_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert read(tmp_path, monkeypatch, "[tool.backproof.fuzz]\ncases = 3\n")["fuzz"]
    monkeypatch.chdir(below)
    assert settings.nearest(Path.cwd()) == tmp_path / "pyproject.toml"


def test_a_file_of_others_sets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(tmp_path, monkeypatch, "[tool.ruff]\nline-length = 100\n")
    assert set(map(len, found.values())) == {0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.backproof]\ntime-limt = 3\n", "no option 'time-limt'; did you mean time-limit?"),
        ("[tool.backproof.fuzz]\nonly = 'xor'\n", "[tool.backproof.fuzz]: no option 'only'"),
        ("[tool.backproof]\ntime-limit = 0\n", "time-limit = 0: "),
        ("[tool.backproof.verify]\ndtype = 'float8'\n", "dtype = 'float8': "),
        ("[tool.backproof]\nverify = 3\n", "verify is a table"),
        ("[tool]\nbackproof = 3\n", "[tool.backproof] is a table of options"),
        ("[tool.backproof\n", "cannot be read"),
    ],
)
def test_what_it_must_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, monkeypatch, text)
    assert told in str(caught.value)
    assert str(tmp_path / "pyproject.toml") in str(caught.value)


@pytest.mark.slow(4)
def test_the_command_line_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / "comparisons").mkdir()
    write_pairing(tmp_path / "comparisons", "one")
    write_pairing(tmp_path / "comparisons", "two")
    (tmp_path / "pyproject.toml").write_text("[tool.backproof]\nonly = 'one'\n")
    assert "one" in backproof("verify", cwd=tmp_path).stdout
    told = backproof("verify", "--only", "two", cwd=tmp_path).stdout
    assert "two" in told
    assert "one" not in told
