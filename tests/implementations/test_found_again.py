"""A worker finds the backproof that started it, and nothing that only lies beside that."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

import pytest

from backproof.implementations import client

HOME = Path(client.__file__).parents[2]


class Redirecting:
    """As an editable installation of a folder finds its package."""

    def __init__(self, folder: Path) -> None:
        self.origin = str(folder / "backproof" / "__init__.py")

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, None, origin=self.origin) if name == "backproof" else None


def test_what_is_only_beside_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [PathFinder])
    monkeypatch.setenv("PYTHONPATH", "there")
    assert client.found_again()["PYTHONPATH"] == os.pathsep.join([str(HOME), "there"])


def test_an_editable_installation_is_found_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [PathFinder, Redirecting(HOME)])
    assert client.found_again() == {}


def test_an_editable_installation_of_another_is_not_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "meta_path", [PathFinder, Redirecting(Path("/elsewhere"))])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert client.found_again() == {"PYTHONPATH": str(HOME)}
