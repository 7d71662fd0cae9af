"""Imports point one way, and no framework is imported outside of its own file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.structure import ORDER, PACKAGE, TEMPLATE, imported, modules, upwards
from tests.project import ROOT

FRAMEWORKS = {"keras", "tensorflow", "torch", "jax"}
NOTHING: frozenset[str] = frozenset()
TWINS = PACKAGE / "implementations" / "frameworks"


def foreign(
    folder: Path, forbidden: set[str], but: Path | None = None, within: frozenset[str] = NOTHING
) -> list[str]:
    """Files below ``folder`` that import one of the forbidden top-level packages.

    ``within``: functions that may import it, as a part's ``keras`` may import Keras.
    """
    return [
        f"{path.name} imports {module}"
        for path in sorted(folder.rglob("*.py"))
        if but is None or not path.is_relative_to(but)
        for module in sorted(imported(outside(path.read_text(), within)))
        if module.split(".")[0] in forbidden
    ]


def outside(source: str, functions: frozenset[str]) -> str:
    """A source without what stands in functions of those names."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            node.body = [ast.Pass()]
    return ast.unparse(tree)


def test_imports_inside_backproof_point_one_way() -> None:
    assert upwards(modules(PACKAGE)) == []


def test_every_folder_is_in_the_order() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"} == set(
        ORDER
    )


def test_an_import_that_points_upwards_is_seen(tmp_path: Path) -> None:
    for name, source in (
        ("mathematics/step.py", "def f():\n    from backproof.comparison import run\n"),
        ("comparison/run.py", "from backproof.mathematics import step\n"),
        ("comparison/late.py", "from backproof import faces\n"),
        ("faces/__init__.py", ""),
        ("mathematics/__init__.py", ""),
        ("comparison/__init__.py", ""),
    ):
        (tmp_path / "backproof" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "backproof" / name).write_text(source)
    assert upwards(modules(tmp_path / "backproof")) == [
        "backproof.comparison.late imports backproof.faces",
        "backproof.mathematics.step imports backproof.comparison.run",
    ]


def test_a_framework_is_imported_only_in_its_twin() -> None:
    """In what a worker loads, that is: the twin, and files beside it that bear its name.

    A part has its twin in a method of the framework's name.
    """
    twins = {path.name for name in FRAMEWORKS for path in TWINS.glob(f"{name}_*.py")}
    template = PACKAGE / "faces" / "command_line" / TEMPLATE
    assert [
        line
        for line in foreign(PACKAGE, FRAMEWORKS, but=template, within=frozenset(FRAMEWORKS))
        if line.split(" imports ")[0] not in twins
    ] == []
    assert foreign(TWINS, FRAMEWORKS), "the twins import them somewhere"


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("scratch", FRAMEWORKS | {"backproof", "reference", "sklearn", "pandas"}),
        ("reference", {"backproof", "scratch"}),
        ("backproof/faces/command_line/template/scratch", FRAMEWORKS | {"backproof", "reference"}),
        ("backproof/faces/command_line/template/reference", {"backproof", "scratch"}),
    ],
)
def test_the_three_statements_are_independent(folder: str, forbidden: set[str]) -> None:
    assert foreign(ROOT / folder, forbidden) == []


def test_an_import_outside_of_a_parts_twin_is_seen(tmp_path: Path) -> None:
    twin = "class Part:\n    def keras(self):\n        import keras\n"
    (tmp_path / "part.py").write_text(twin)
    assert foreign(tmp_path, FRAMEWORKS, within=frozenset({"keras"})) == []
    (tmp_path / "part.py").write_text(f"{twin}    def value(self):\n        import keras\n")
    assert foreign(tmp_path, FRAMEWORKS, within=frozenset({"keras"})) == ["part.py imports keras"]


def test_a_forbidden_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "xor.py").write_text("import backproof.mathematics.network.network\n")
    assert foreign(tmp_path, {"backproof"}) == [
        "xor.py imports backproof.mathematics.network.network"
    ]


def test_importing_backproof_imports_no_framework() -> None:
    code = (
        f"import sys, backproof, backproof.comparison.run; print({FRAMEWORKS!r} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
