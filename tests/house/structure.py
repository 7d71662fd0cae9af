"""The structure of backproof/ as its own imports show it: ``python -m tests.house.structure``.

The folders of `ORDER` are the plan: a file may import from its own folder and from those before
it. Files at the root of the package are its public names, and import from anywhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
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
# What an evaluation gives, and is called so in many places.
QUANTITIES = {"activation"}
LAYERS = PACKAGE / "mathematics" / "layers"
COMPARISONS = ROOT / "comparisons"
# What a project imports: nothing else of backproof is promised to stay where it is.
PUBLIC = ("backproof", "backproof.activations", "backproof.adapters", "backproof.reproduction")
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


def kinds(layers: Path) -> set[str]:
    """The kinds of layers, and their classes: the files of the folder that define a part."""
    found = set()
    for path in layers.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PART":
                found |= {path.stem, ast.unparse(node.value)}
    return found


def naming_a_kind(package: Path, layers: Path) -> list[str]:
    """Where code outside of ``layers`` names a kind: its class, or its name in a string.

    Docstrings may: they give examples. A kind that is called as a quantity is counts only with the
    number of a node.
    """
    known = kinds(layers)
    words = re.compile(rf"(?<![\w.])({'|'.join(sorted(known))})(_\d*)?(?!\w)")
    wrong = []
    for name, path in modules(package).items():
        if path.is_relative_to(layers):
            continue
        tree = ast.parse(path.read_text())
        docs = docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                of_layers = (node.module or "").startswith(f"{package.name}.mathematics.layers.")
                told = [alias.name for alias in node.names if of_layers and alias.name in known]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                exact = node.value in known - QUANTITIES and node.value.islower()
                if node in docs or not (exact or numbered(node.value, known)):
                    continue
                told = [match[0] for match in words.finditer(node.value)]
            else:
                continue
            wrong += [f"{name}:{node.lineno} names {each}" for each in told]
    return sorted(wrong)  # a string inside of another is met later


def numbered(text: str, known: set[str]) -> bool:
    """Whether it speaks of the first, second, … node of a kind: ``dense_1``, ``dense_``."""
    return any(re.search(rf"(?<![\w]){kind}_(\d|$|/)", text) for kind in known)


def docstrings(tree: ast.Module) -> set[ast.AST]:
    """The strings that document: those that stand as statements of their own."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def beside_the_face(folder: Path, public: Collection[str]) -> list[str]:
    """Imports from backproof in a folder that are none of its public modules."""
    return [
        f"{path.relative_to(folder.parent)} imports {module}"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        for module in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
        if module.split(".")[0] == "backproof" and module not in public
    ]


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
        ("places outside of layers/ that name a kind", naming_a_kind(PACKAGE, LAYERS)),
        ("imports of comparisons/ beside the public face", beside_the_face(COMPARISONS, PUBLIC)),
    ):
        yield f"{title}: {len(found)}"
        yield from (f"  {line}" for line in found)


if __name__ == "__main__":
    print("\n".join(facts()))  # noqa: T201 (what it is for)
