"""A worker finds the backproof that started it, and nothing that only lies beside that."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

import pytest

from backproof.implementations import client


class Redirecting:
    """As an editable installation finds its package."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, None) if name == "backproof" else None


def test_what_is_only_beside_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [PathFinder])
    monkeypatch.setenv("PYTHONPATH", "there")
    home = str(Path(client.__file__).parents[2])
    assert client.found_again()["PYTHONPATH"] == os.pathsep.join([home, "there"])


def test_an_editable_installation_is_found_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [PathFinder, Redirecting])
    assert client.found_again() == {}
