"""Scripts and notebooks that cannot be imported, because importing them would train."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from backproof.implementations.subject.declaration import Adapted
from backproof.mathematics.checking import checked
from backproof.mathematics.errors import EvaluationError, UsageError


class Definitions(SimpleNamespace):
    """What a file defines; a name that it only computes is refused, with the way to have it."""

    def __getattr__(self, name: str) -> NoReturn:
        line = vars(self).get("_skipped", {}).get(name)
        if name.startswith("__") or line is None:
            raise AttributeError(f"{vars(self).get('_file')} defines no {name!r}")
        raise AttributeError(
            f"{vars(self)['_file']}:{line} computes {name!r}, which was not executed: give it, as "
            f"in definitions(…, {name}=…), or have it executed, with execute=[{name!r}]"
        )


@checked
def definitions(path: str | Path, execute: Iterable[str] = (), **given: Any) -> Definitions:
    """The functions, classes and constants of a script or notebook, without running the rest.

    Imports, functions, classes and assignments of plain literals are executed, and assignments to
    the names in ``execute``. ``given`` are names that its functions use, with their values. Raises
    `UsageError` if the file cannot be read.
    """
    tree, wanted = parsed(Path(path)), set(execute)
    kept: list[ast.stmt] = []
    skipped: dict[str, int] = {}
    for statement in tree.body:
        names = assigned(statement)
        if names & given.keys():
            continue
        if definite(statement) or names & wanted:
            kept.append(statement)
        else:
            skipped |= dict.fromkeys(names, statement.lineno)
    missing = wanted - set().union(*map(assigned, kept))
    if missing:
        raise UsageError(f"{path} assigns nothing to {', '.join(sorted(missing))}")
    space = run(kept, path, given)
    found = Definitions(**space)
    found._file, found._skipped = str(path), skipped
    return found


@checked
def script(
    path: str | Path,
    given: Callable[[Any, Any], Mapping[str, Any]],
    results: Mapping[str, str],
    **constants: Any,
) -> Adapted:
    """A subject that runs a whole script or notebook, with names of it replaced.

    ``given(parameters, batch)`` are its data and weights by the names that they have there, and
    ``constants`` others, such as the number of epochs: what the script assigns to these at its top
    level is left out. ``results``: the expression in its names that each quantity is, as in
    {"gradient/dense_1/kernel": "dW1.T"}.
    """
    tree = parsed(Path(path))
    wanted = {name: expression(name, text) for name, text in results.items()}

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        values = {**constants, **given(parameters, batch)}
        known = set().union(*map(assigned, ast.walk(tree)))
        for name in values:
            if name not in known:
                raise EvaluationError(f"{path} assigns nothing to {name!r}, which was to be given")
        kept = [statement for statement in tree.body if not assigned(statement) & values.keys()]
        space = run(kept, path, values)
        return {name: eval(code, space) for name, code in wanted.items()}

    call.__module__, call.__qualname__ = "script", Path(path).name
    return Adapted(call, call)


def parsed(path: Path) -> ast.Module:
    """The statements of a Python file, or of a notebook's code cells without their magics."""
    try:
        text = path.read_text(encoding="utf-8")
        source = cells(text) if path.suffix == ".ipynb" else text
        return ast.parse(source, str(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from error
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: {error.msg}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no notebook: {error}") from error


def cells(notebook: str) -> str:
    """The code of a notebook; a line for the notebook itself (%matplotlib, !pip) becomes empty."""
    code = [cell["source"] for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    lines = "\n".join("".join(source) for source in code).splitlines()
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)


def assigned(node: ast.AST) -> set[str]:
    """The names that a statement binds by an assignment."""
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target] if node.value is not None else []
    else:
        return set()
    return {
        part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
    }


def definite(statement: ast.stmt) -> bool:
    """Whether executing it defines something, and does nothing else."""
    if isinstance(
        statement,
        ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    ):
        return True
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        try:
            ast.literal_eval(statement.value)
        except (ValueError, TypeError, SyntaxError):
            return False
        return True
    return False


def run(statements: list[ast.stmt], path: str | Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Execute statements with some names known; returns every name."""
    space = {"__name__": "not_main", "__file__": str(path), **values}
    exec(compile(ast.Module(statements, []), str(path), "exec"), space)
    return space


def expression(name: str, text: str) -> Any:
    """A compiled expression; one that is none is refused at once."""
    try:
        return compile(text, f"<{name}>", "eval")
    except SyntaxError as error:
        raise UsageError(f"results[{name!r}] = {text!r} is no expression: {error.msg}") from error
