"""The examples of docs/adapters.md run as they stand there, and each needs its adapter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from backproof import adapters
from backproof.comparison.judging.rows import Status
from tests.project import ROOT

DOCUMENT = ROOT / "docs" / "adapters.md"
EXAMPLES = dict(re.findall(r"^## (\w+)\n.*?```python\n(.*?)```", DOCUMENT.read_text(), re.M | re.S))
# These take the code out of a file; without them there is no subject to compare.
MAKE = ("definitions", "script")


def run(code: str) -> Any:
    space: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "example", "exec"), space)
    return space["report"]


def test_every_adapter_has_one() -> None:
    assert set(EXAMPLES) == set(adapters.__all__) - {"View"}


def test_they_are_short() -> None:
    lines = {
        name: [line for line in code.splitlines() if line.strip()]
        for name, code in EXAMPLES.items()
    }
    for name, written in lines.items():  # a convolution by hand takes a screen
        assert len(written) <= (24 if "Conv" in EXAMPLES[name] else 11), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where they leave their files; in another one `verify` would start workers anew."""
    return tmp_path_factory.mktemp("examples")


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_matches(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    report = run(EXAMPLES[name])
    assert report.status is Status.MATCH, report.cause
    assert f"adapters.{name}(" in EXAMPLES[name]


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in MAKE])
def test_without_the_adapter_it_does_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter that did nothing would be seen."""
    make = name == "anew"
    one = None

    def bare(subject: Any, *_: Any, **__: Any) -> Any:
        nonlocal one
        if not make:
            return subject
        one = one or subject()
        return one

    monkeypatch.setattr(adapters, name, bare)
    report = run(EXAMPLES[name])
    assert not report.passed or (report.records[0].omits.count("loss") and name == "printed")
