"""Where backproof came from is told in words that pip takes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from backproof.faces.command_line.init import EXTRAS
from backproof.implementations.host import installation
from tests.project import ROOT


class Installed:
    """What pip has noted of an installation."""

    version = "1.2.3"

    def __init__(self, direct: dict[str, Any] | None) -> None:
        self.direct = direct

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.direct is None else json.dumps(self.direct)


def required(monkeypatch: pytest.MonkeyPatch, folder: Path, direct: dict[str, Any] | None) -> str:
    """The requirement of a backproof that lies in a folder of installed packages."""
    monkeypatch.setattr(installation, "PACKAGE", folder / "site-packages" / "backproof")
    monkeypatch.setattr(installation.metadata, "distribution", lambda _: Installed(direct))
    monkeypatch.setattr(installation.metadata, "version", lambda _: Installed.version)
    return installation.requirement("keras", "torch")


def test_a_clone_is_its_folder() -> None:
    assert installation.requirement("plots") == f"backproof[plots] @ {ROOT.as_uri()}"
    assert installation.requirement() == f"backproof @ {ROOT.as_uri()}"


def test_one_of_an_index_is_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert required(monkeypatch, tmp_path, None) == "backproof[keras,torch]==1.2.3"


@pytest.mark.parametrize("name", ["backproof-1.2.3.whl", "a folder"])
def test_a_file_or_a_folder_is_its_address_while_it_is_there(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / name
    place.touch()
    direct = {"url": place.as_uri(), "archive_info": {}}
    told = f"backproof[keras,torch] @ {place.as_uri()}"
    assert required(monkeypatch, tmp_path, direct) == told
    place.unlink()
    assert required(monkeypatch, tmp_path, direct) == "backproof[keras,torch]==1.2.3"


def test_a_repository_is_its_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    vcs = {"vcs": "git", "commit_id": "c279a3e"}
    direct = {"url": "https://host/repo.git", "vcs_info": vcs, "subdirectory": "python"}
    told = "backproof[keras,torch] @ git+https://host/repo.git@c279a3e#subdirectory=python"
    assert required(monkeypatch, tmp_path, direct) == told


def test_what_is_advised_there_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {*EXTRAS, "jax", "fuzz", "plots"} <= set(project["optional-dependencies"])
    command = installation.to_install("fuzz")
    assert command == f"pip install 'backproof[fuzz] @ {ROOT.as_uri()}'"
