"""Imports point one way, and no framework is imported outside of its own file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.structure import (
    COMPARISONS,
    LAYERS,
    ORDER,
    PACKAGE,
    PUBLIC,
    TEMPLATE,
    at_the_root,
    beside_the_face,
    circles,
    imported,
    modules,
    naming_a_kind,
    upwards,
)
from tests.project import ROOT

# What belongs to a framework, by the name that its files bear.
OF = {"keras": {"keras", "tensorflow"}, "torch": {"torch"}, "jax": {"jax"}}
FRAMEWORKS = set().union(*OF.values())
TWINS = PACKAGE / "implementations" / "frameworks"
# Parts hold their own twins, in functions: called in the framework's worker alone.
PARTS = [PACKAGE / "mathematics" / each for each in ("functions", "losses", "optimizers", "layers")]


def foreign(folder: Path, forbidden: set[str], but: Path | None = None) -> list[str]:
    """Files below ``folder`` that import one of the forbidden top-level packages."""
    return [
        f"{path.name} imports {module}"
        for path in sorted(folder.rglob("*.py"))
        if but is None or not path.is_relative_to(but)
        for module in sorted(imported(path.read_text()))
        if module.split(".")[0] in forbidden
    ]


def test_imports_inside_backproof_point_one_way() -> None:
    assert upwards(modules(PACKAGE)) == []


def test_every_folder_is_in_the_order() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"} == set(
        ORDER
    )


def laid_out(folder: Path, **files: str) -> Path:
    """A package of these files, by their place with _ for /."""
    for name, source in files.items():
        path = folder / "backproof" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return folder / "backproof"


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(modules(PACKAGE)) == []


def test_a_circle_is_seen_also_where_it_is_for_types_alone(tmp_path: Path) -> None:
    package = laid_out(
        tmp_path,
        mathematics__a="from backproof.mathematics import b\n",
        mathematics__b="if TYPE_CHECKING:\n    from backproof.mathematics.c import C\n",
        mathematics__c="def f():\n    from backproof.mathematics.a import g\n",
        mathematics__d="from backproof.mathematics.a import g\n",
    )
    names = ["backproof.mathematics.a", "backproof.mathematics.b", "backproof.mathematics.c"]
    assert circles(modules(package)) == [names]


def test_the_root_holds_public_names_alone() -> None:
    assert len(at_the_root()) <= 5


def test_no_file_outside_of_layers_names_a_kind() -> None:
    assert naming_a_kind(PACKAGE, LAYERS) == []


def test_a_named_kind_is_seen(tmp_path: Path) -> None:
    package = laid_out(
        tmp_path,
        mathematics__layers__dense="class Dense: ...\n\n\nPART = Dense\n",
        mathematics__a='"""Of dense_1."""\nfrom backproof.mathematics.layers.dense import Dense\n',
        mathematics__b='LAST = f"dense_{1}"\nKIND = "dense"\nWORD = "a dense crowd"\n',
    )
    assert naming_a_kind(package, package / "mathematics" / "layers") == [
        "backproof.mathematics.a:2 names Dense",
        "backproof.mathematics.b:1 names dense_",
        "backproof.mathematics.b:2 names dense",
    ]


def test_comparisons_use_the_public_face_alone(tmp_path: Path) -> None:
    assert beside_the_face(COMPARISONS, PUBLIC) == []
    (tmp_path / "own.py").write_text("from backproof.mathematics.errors import UsageError\n")
    assert beside_the_face(tmp_path, PUBLIC) == [
        f"{tmp_path.name}/own.py imports backproof.mathematics.errors"
    ]


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


def at_module_level(source: str) -> set[str]:
    """The modules that a source imports as it is imported: all outside of functions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return imported(ast.unparse(tree))


def misplaced(path: Path) -> list[str]:
    """The frameworks that a file of backproof imports where it must not."""
    source = path.read_text()
    allowed = set()
    if path.parent == TWINS and not path.stem.endswith("_traits"):
        allowed = OF.get(path.stem.partition("_")[0], set())
    every, first = (
        {module.split(".")[0] for module in found} & FRAMEWORKS
        for found in (imported(source), at_module_level(source))
    )
    wrong = first if path.parent in PARTS else every
    return [f"{path.name} imports {name}" for name in sorted(wrong - allowed)]


def test_a_framework_is_imported_only_in_its_twin_and_inside_of_functions_of_parts() -> None:
    template = PACKAGE / "faces" / "command_line" / TEMPLATE
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.is_relative_to(template)]
    assert [line for path in files for line in misplaced(path)] == []
    assert foreign(TWINS, FRAMEWORKS), "the twins import them somewhere"
    assert foreign(PARTS[0], FRAMEWORKS), "so do the activations"


@pytest.mark.parametrize(
    ("place", "source", "found"),
    [
        ("mathematics/functions/f.py", "def f():\n    import jax.numpy\n", []),
        ("mathematics/functions/f.py", "class F:\n    import jax\n", ["f.py imports jax"]),
        ("mathematics/functions/f.py", "from keras import ops\n", ["f.py imports keras"]),
        ("mathematics/network/f.py", "def f():\n    import torch\n", ["f.py imports torch"]),
        ("implementations/frameworks/jax_f.py", "import jax\n", []),
        ("implementations/frameworks/jax_f.py", "import torch\n", ["jax_f.py imports torch"]),
        (
            "implementations/frameworks/jax_traits.py",
            "def f():\n    import jax\n",
            ["jax_traits.py imports jax"],
        ),
    ],
)
def test_a_misplaced_framework_is_seen(
    place: str, source: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "backproof"
    monkeypatch.setattr(f"{__name__}.TWINS", package / "implementations" / "frameworks")
    monkeypatch.setattr(f"{__name__}.PARTS", [package / "mathematics" / "functions"])
    (package / place).parent.mkdir(parents=True)
    (package / place).write_text(source)
    assert misplaced(package / place) == found


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


def test_a_forbidden_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "xor.py").write_text("import backproof.mathematics.network.network\n")
    assert foreign(tmp_path, {"backproof"}) == [
        "xor.py imports backproof.mathematics.network.network"
    ]


def test_importing_backproof_and_all_its_parts_imports_no_framework() -> None:
    code = (
        "import sys, backproof, backproof.comparison.run\n"
        "from backproof.implementations import frameworks\n"
        "from backproof.mathematics import functions, optimizers\n"
        "list(map(functions.ACTIVATIONS.get, functions.names()))\n"
        "list(map(optimizers.OPTIMIZERS.get, optimizers.names()))\n"
        "list(map(frameworks.traits, frameworks.names()))\n"
        f"print({FRAMEWORKS!r} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
