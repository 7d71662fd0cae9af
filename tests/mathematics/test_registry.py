"""Parts: files of a folder, and what is entered from outside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from backproof.mathematics import registry
from backproof.mathematics.errors import UsageError
from backproof.mathematics.registry import Registry, made, register


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[type]:
    folder = tmp_path / "colours_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "colour.py").write_text("")
    (folder / "red.py").write_text("class Red:\n    name = 'red'\n\n\nPART = Red\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "SORTS", {})
    monkeypatch.setattr(registry, "HOMES", {})
    return Registry("colour", "colours_of_a_test", besides=("colour",))


@dataclass(frozen=True)
class Green:
    name = "green"


def test_a_file_is_a_part(colours: Registry[type]) -> None:
    assert colours.names() == ["red"]
    assert colours.get("red").__name__ == "Red"


def test_one_from_outside_is_a_part_too_and_its_file_is_known(colours: Registry[type]) -> None:
    assert register("colour")(Green) is Green
    assert colours.names() == ["green", "red"]
    assert colours.get("green") is Green
    assert registry.files() == [__file__]
    register("colour")(Green)  # a notebook's cell, run again


def test_what_is_unknown_or_taken_is_refused(colours: Registry[type]) -> None:
    with pytest.raises(UsageError, match="no colour 'blue'; there are red"):
        colours.get("blue")
    with pytest.raises(UsageError, match="no sort of part 'smell'; there are colour"):
        register("smell")
    with pytest.raises(UsageError, match="a colour needs 'name', its name"):
        register("colour")(object())
    with pytest.raises(UsageError, match="backproof has a colour 'red' of its own"):
        register("colour")(type("Other", (), {"name": "red"}))
    register("colour")(Green)
    with pytest.raises(UsageError, match="two files define the colour 'green'"):
        register("colour")(type("Path", (Path,), {"name": "green", "__module__": "pathlib"}))


@dataclass(frozen=True)
class Grey:
    share: float
    warm: bool = False
    name = "grey"


def test_a_part_is_made_with_its_fields() -> None:
    assert made("colour", Grey, {"share": 0.5}) == Grey(0.5)
    for fields, said in (
        ({}, "colour 'grey' needs its share"),
        ({"shade": 1}, "colour 'grey' has no field 'shade'; it has share, warm"),
        ({"share": float("nan")}, "grey\\(share=nan\\): give a finite number"),
        ({"share": 1, "warm": 1}, "grey\\(warm=1\\): give True or False"),
    ):
        with pytest.raises(UsageError, match=said):
            made("colour", Grey, fields)
    with pytest.raises(UsageError, match="colour 'green' has no field 'warm'; it has none"):
        made("colour", Green, {"warm": True})
