"""The structure of backproof/ as its own imports show it: ``python -m tests.house.structure``.

The folders of `ORDER` are the plan: a file may import from its own folder and from those before
it. Files at the root of the package are its public names, and import from anywhere.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.project import ROOT

PACKAGE = ROOT / "backproof"
ORDER = (
    "mathematics",
    "implementations",
    "comparison",
    "gauging",
    "reports",
    "reproduction",
    "faces",
)
# What `backproof init` lays out: a user's files, which nothing of backproof imports.
TEMPLATE = "template"

Modules = Mapping[str, Path]


def modules(package: Path) -> dict[str, Path]:
    """Every module of a package by its full name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package.parent).with_suffix("")
        if TEMPLATE in place.parts:
            continue
        name = ".".join(place.parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(source: str) -> set[str]:
    """Every module that a source imports, by its full name; inside functions, and for types."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def arrows(known: Modules) -> dict[str, set[str]]:
    """The modules of the package that each of them imports: the innermost ones that are named."""
    result = {}
    for name, path in known.items():
        inside = {module for module in imported(path.read_text()) if module in known}
        # `from a.b import c`, with c a module, imports c; a.b alone is then only the way to it.
        outer = {
            module
            for module in inside
            if any(other.startswith(f"{module}.") for other in inside)
            and not names_of(path, module, known)
        }
        result[name] = inside - outer - {name}
    return result


def names_of(path: Path, module: str, known: Modules) -> bool:
    """Whether a file imports from a module something that is no module itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            if any(f"{module}.{alias.name}" not in known for alias in node.names):
                return True
        elif isinstance(node, ast.Import) and any(alias.name == module for alias in node.names):
            return True
    return False


def upwards(known: Modules, order: tuple[str, ...] = ORDER) -> list[str]:
    """Imports against the order, as ``module imports module``."""
    wrong = []
    for name, targets in arrows(known).items():
        own = folder(name)
        if own is None:
            continue
        for target in sorted(targets):
            other = folder(target)
            if other is None or order.index(other) > order.index(own):
                wrong.append(f"{name} imports {target}")
    return wrong


def folder(module: str) -> str | None:
    """The folder of the package that a module stands in; None at the root."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ORDER else None


def circles(known: Modules) -> list[list[str]]:
    """The strongly connected components of more than one file (Tarjan, 1972), sorted."""
    graph = arrows(known)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in sorted(graph[name]):
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            component = []
            while not component or component[-1] != name:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return sorted(found)


def at_the_root(package: Path = PACKAGE) -> list[str]:
    """The Python files directly in the package."""
    return sorted(path.name for path in package.glob("*.py"))


def facts() -> Iterator[str]:
    """The figures of the house, one a line, and what is behind those that should be 0."""
    known = modules(PACKAGE)
    root = at_the_root()
    yield f"files at the root of backproof/: {len(root)} ({', '.join(root)})"
    for title, found in (
        ("circles", [" ↔ ".join(circle) for circle in circles(known)]),
        ("imports against the order", upwards(known)),
    ):
        yield f"{title}: {len(found)}"
        yield from (f"  {line}" for line in found)


if __name__ == "__main__":
    print("\n".join(facts()))  # noqa: T201 (what it is for)
