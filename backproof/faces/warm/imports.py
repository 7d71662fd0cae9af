"""The files that a pairing depends on, as its text and theirs say: nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

LONGEST = 200
"""Characters of a text that may be a path."""


def concerned(pairings: Iterable[Path], root: Path, changed: Iterable[Path]) -> list[Path]:
    """The pairing files that a change of these files concerns.

    All of them, where a changed file is one that nobody is known to depend on: it may be loaded in
    a way that no text tells.
    """
    every = {path: closure(path, root) for path in pairings}
    known = set().union(*every.values())
    changed = {path.resolve() for path in changed}
    if any(path.exists() for path in changed - known):  # an editor's own files come and go
        return list(every)
    return [path for path, needed in every.items() if needed & changed]


def closure(path: Path, root: Path) -> set[Path]:
    """A file, and all below the root that it needs, those that these need, and so on."""
    found: set[Path] = set()
    waiting = [path.resolve()]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += needed(each, root.resolve())
    return found


def needed(path: Path, root: Path) -> Iterator[Path]:
    """The files that a file imports, or names in a text, as ``"reference/models.py:circles"``."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # no Python, or not now: its own change is seen all the same
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from modules(root, alias.name)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = path.parents[level - 1] if level else root
                for alias in names:
                    yield from modules(base, f"{module or ''}.{alias.name}".strip("."))
            case ast.Constant(value=str(text)) if len(text) < LONGEST and "\n" not in text:
                for place in (root, path.parent):
                    file = place / text.partition(".py:")[0]
                    file = file.with_suffix(".py") if ".py:" in text else file
                    if is_file(file):
                        yield file.resolve()


def modules(base: Path, name: str) -> Iterator[Path]:
    """The files that are executed as ``a.b.c`` is imported, as far as they lie below a folder."""
    place = base
    for part in name.split("."):
        place /= part
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if is_file(file):
                yield file.resolve()


def is_file(path: Path) -> bool:
    """Whether there is such a file; a text may be no path at all."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
