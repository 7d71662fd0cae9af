"""Imports point one way, and no framework is imported outside of its own file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# From the ground up: a module may import from its own layer and from those above it in this list.
LAYERS = {
    "mathematics": (
        "errors",
        "threads",
        "memory",
        "forms",
        "machine",
        "formulas",
        "rounding",
        "network",
        "parameters",
        "moments",
        "optimizers",
        "activations",
        "losses",
        "arithmetic",
        "definition",
        "derivation",
        "network_file",
        "quantities",
        "probes",
        "faults",
    ),
    "implementations": (
        "protocol",
        "worker",
        "frameworks",
        "programs",
        "traits",
        "adapters",
        "pairing",
        "record",
        "conduct",
        "subjects",
        "exchange",
    ),
    "comparison": (
        "comparison",
        "runs",
        "calibration",
        "ulps",
        "precisions",
        "trials",
        "drawing",
        "fuzzing",
        "mutation",
    ),
    "reports": ("reports",),
    "reproductions": ("reproduction",),
    "faces": (
        "__init__",
        "__main__",
        "cli",
        "commands",
        "face",
        "plugin",
        "plugin_xdist",
    ),
}
FRAMEWORKS = {"keras", "tensorflow", "torch", "jax"}
# What `backproof init` lays out: a user's files, which nothing of backproof imports.
TEMPLATE = ROOT / "backproof" / "template"


def imported(source: str) -> set[str]:
    """Every module that a source imports, by its full name, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part(module: str) -> str:
    """``backproof.comparison.rows`` is of the part ``comparison``."""
    return module.split(".")[1] if "." in module else "__init__"


def layer(name: str) -> int:
    """The layer that a part of backproof belongs to, counted from the ground."""
    for depth, parts in enumerate(LAYERS.values()):
        if name in parts:
            return depth
    raise AssertionError(f"backproof/{name} is in no layer: add it to LAYERS")


def violations(package: Path) -> list[str]:
    """Imports that point upwards, as ``file imports module``."""
    known = {p.stem if p.is_file() else p.name for p in package.iterdir()}
    wrong = []
    for path in sorted(package.rglob("*.py")):
        if path.is_relative_to(TEMPLATE):
            continue
        own = path.relative_to(package).parts[0].removesuffix(".py")
        for module in sorted(imported(path.read_text())):
            if not module.startswith("backproof."):
                continue
            other = part(module)
            if other in known and layer(other) > layer(own):
                wrong.append(f"{path.relative_to(package)} imports {module}")
    return wrong


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
    assert violations(ROOT / "backproof") == []


def test_an_import_that_points_upwards_is_seen(tmp_path: Path) -> None:
    (tmp_path / "definition.py").write_text("def f():\n    from backproof.runs import verify\n")
    (tmp_path / "runs.py").write_text("from backproof import definition\n")
    assert violations(tmp_path) == [
        "definition.py imports backproof.runs",
        "definition.py imports backproof.runs.verify",
    ]


def test_a_framework_is_imported_only_in_its_twin() -> None:
    """In what a worker loads, that is: the twin, and files beside it that bear its name."""
    twins = {
        path.name
        for name in FRAMEWORKS
        for path in (ROOT / "backproof" / "frameworks").glob(f"{name}_*.py")
    }
    assert [
        line
        for line in foreign(ROOT / "backproof", FRAMEWORKS, but=TEMPLATE)
        if line.split(" imports ")[0] not in twins
    ] == []
    assert foreign(ROOT / "backproof" / "frameworks", FRAMEWORKS), "the twins import them somewhere"


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("scratch", FRAMEWORKS | {"backproof", "reference", "sklearn", "pandas"}),
        ("reference", {"backproof", "scratch"}),
        ("backproof/template/scratch", FRAMEWORKS | {"backproof", "reference"}),
        ("backproof/template/reference", {"backproof", "scratch"}),
    ],
)
def test_the_three_statements_are_independent(folder: str, forbidden: set[str]) -> None:
    assert foreign(ROOT / folder, forbidden) == []


def test_a_forbidden_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "xor.py").write_text("import backproof.network\n")
    assert foreign(tmp_path, {"backproof"}) == ["xor.py imports backproof.network"]


def test_importing_backproof_imports_no_framework() -> None:
    code = f"import sys, backproof, backproof.runs; print({FRAMEWORKS!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
