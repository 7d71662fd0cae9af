"""The example notebooks say what they say when they run; a notebook shows each stage of a run."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from backproof.faces import notebook
from tests.project import ROOT

# Not only what is new in a notebook counts, but that its cells are few and its text is plain.
MOST_CELLS = 16
STAGE = "circles: deriving the bounds"


class Display:
    """What stands in for a place in a cell's output: it keeps all that it has shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def update(self, content: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(content["text/html"])


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    made = Display()
    monkeypatch.setattr(notebook, "display", lambda: made)
    return made


def running(monkeypatch: pytest.MonkeyPatch, shell: object) -> None:
    """Have IPython be imported, with that shell."""
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)


def test_a_notebook_shows_the_stage_and_nothing_at_the_end(
    monkeypatch: pytest.MonkeyPatch, display: Display
) -> None:
    running(monkeypatch, types.SimpleNamespace(kernel=object()))

    def interrupted() -> None:
        with notebook.stages() as on_stage:
            on_stage(STAGE)
            on_stage("<script>")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    first, second, last = display.shown
    assert STAGE in first
    assert "<script>" not in second
    assert last == ""


@pytest.mark.parametrize("shell", [None, types.SimpleNamespace()], ids=["script", "terminal"])
def test_nothing_else_shows_any(
    monkeypatch: pytest.MonkeyPatch, display: Display, shell: object
) -> None:
    running(monkeypatch, shell)
    with notebook.stages() as on_stage:
        on_stage(STAGE)
    assert display.shown == []


def test_a_script_does_not_import_ipython(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with notebook.stages() as on_stage:
        on_stage(STAGE)
    assert "IPython" not in sys.modules


@pytest.mark.slow(20)
@pytest.mark.parametrize("name", ["ten_lines", "planted_fault"])
def test_an_example_says_what_it_said(name: str) -> None:
    import nbformat

    from tests.faces.notebooks import FOLDER, PATHS, executed, shown

    assert len(PATHS) == 2
    path = FOLDER / f"{name}.ipynb"
    kept: Any = nbformat.read(path, as_version=4)
    nbformat.validate(kept)
    assert len(kept.cells) <= MOST_CELLS
    assert any(shown(kept))
    renew = "if that is right: python -m tests.faces.notebooks"
    assert shown(executed(path)) == shown(kept), renew


def test_no_example_holds_a_place_or_a_time() -> None:
    for path in sorted((ROOT / "docs" / "examples" / "notebooks").glob("*.ipynb")):
        text = Path(path).read_text()
        assert re.findall(r"/tmp/|/home/|\d\d:\d\d:\d\d|ipykernel_\d", text) == []
        assert "Traceback" not in text
