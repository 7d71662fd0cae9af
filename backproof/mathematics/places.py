"""Places in user code: which file and line an error points to, and how a message names them."""

from __future__ import annotations

import inspect
import sysconfig
import traceback
from functools import partial
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
LIBRARY = Path(sysconfig.get_path("stdlib")).resolve()
INSTALLED = {"site-packages", "dist-packages"}
GENERATED = "<string>"
"""What a class's own code goes by that `dataclasses` has written for it."""


def project_of(path: Path) -> Path | None:
    """The folder around a file that holds ``comparisons/``, if there is one."""
    path = path.resolve()
    for folder in (path, *path.parents):
        if folder.name == "comparisons":
            return folder.parent
        if (folder / "comparisons").is_dir():
            return folder
    return None


def named(file: str, line: int) -> str:
    """``scratch/moons.py:54``: relative to the project that the file lies in.

    Several files of a project may have one name. Without a project the path is relative to the
    current folder, or the name stands alone. A notebook's cell has no file, and the name that its
    code goes by is another one in each session.
    """
    path = Path(file)
    if file.startswith("<ipython-input") or any("ipykernel" in part for part in path.parts):
        return f"line {line} of a notebook's cell"
    try:
        root = project_of(path) or Path.cwd()
        resolved = path.resolve()
    except OSError:  # the current folder was removed
        return f"{path.name}:{line}"
    inside = path.is_file() and resolved.is_relative_to(root)
    return f"{resolved.relative_to(root).as_posix() if inside else path.name}:{line}"


def is_users(file: str) -> bool:
    """Whether code of that file is the user's: not ours, not Python's, no installed library's."""
    if file.startswith("<frozen") or file == GENERATED:
        return False
    path = Path(file).resolve()
    return not (
        path.is_relative_to(PACKAGE) or path.is_relative_to(LIBRARY) or INSTALLED & set(path.parts)
    )


def origin(error: BaseException) -> tuple[str, int] | None:
    """File and line of the user's code that an error comes from, if any of it took part.

    The last of its lines that was executed, whatever library it had called; of a syntax error,
    where that is.
    """
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return error.filename, error.lineno or 1
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_users(frame.filename):
            return frame.filename, frame.lineno or 1
    return None


def definition(function: object) -> tuple[str, int] | None:
    """File and line where a function is written, without what is wrapped around it."""
    while isinstance(function, partial):
        function = function.func
    if callable(function):
        function = inspect.unwrap(function)
    if not hasattr(function, "__code__"):
        function = getattr(function, "__call__", None)  # noqa: B004 (its code is wanted)
    code = getattr(function, "__code__", None)
    return None if code is None else (code.co_filename, code.co_firstlineno)


def called(function: object) -> list[tuple[str, str, int]]:
    """What of the user's code a function names that is written in other files: name, file, line.

    In the order in which it names them, of a module what it takes of it; what it reaches through
    these is not looked for.
    """
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function) if callable(function) else function
    if not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", None)  # noqa: B004 (its code is wanted)
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    globals_: dict[str, object] = getattr(function, "__globals__", {})
    named_there = [(name, globals_[name]) for name in code.co_names if name in globals_]
    of_modules = [
        (f"{alias}.{name}", vars(module)[name])
        for alias, module in named_there
        if inspect.ismodule(module) and is_users(getattr(module, "__file__", None) or GENERATED)
        for name in code.co_names
        if name in vars(module)  # nothing is loaded by asking
    ]
    found = []
    for name, each in [*named_there, *of_modules]:
        if not inspect.isfunction(each) and not inspect.isclass(each):
            continue
        try:
            file, line = inspect.getsourcefile(each), inspect.getsourcelines(each)[1]
        except (OSError, TypeError):  # no source: it is compiled, or was typed in
            continue
        if file is not None and file != code.co_filename and is_users(file):
            found.append((name, file, line))
    return found


def place(error: BaseException, function: object = None) -> str:
    """Where an error comes from, to stand in a message.

    ``function``: what was called; where none of its lines were reached, as with a wrong signature,
    it is named itself.
    """
    found = origin(error) or (None if function is None else definition(function))
    if found is None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        found = (last.filename, last.lineno or 1)
    return named(*found)
