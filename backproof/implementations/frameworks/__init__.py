"""The reference frameworks: of each a file NAME_traits.py, which says what it is, and NAME_twin.py.

A twin is imported only inside its own worker.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from backproof.mathematics.arithmetic.rounding.traits import Traits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.registry import Registry

FRAMEWORKS: Registry[Traits] = Registry("reference", __name__, suffix="_traits", closed=True)


def names() -> list[str]:
    """All frameworks there are files for."""
    return FRAMEWORKS.names()


def traits(name: str) -> Traits:
    """What a framework declares; an unknown one is refused with a `UsageError`."""
    return FRAMEWORKS.get(name)


def twin_of(
    sort: str,
    part: Any,
    framework: str,
    remedy: str = "give a model of your own",
    *,
    method: str = "",
) -> Callable[..., Any]:
    """What a part is in a framework: the method of that name, in the part's own file.

    A `UsageError` says where there is none, and what there is to do.
    """
    method = method or framework
    found: Callable[..., Any] | None = getattr(part, method, None)
    if found is None:
        raise UsageError(
            f"no {traits(framework).title} twin for {sort} {part.name!r}: "
            f"write `{method}` in its file, or {remedy}"
        )
    return found


def slots_of(optimizer: Optimizer, framework: str) -> dict[str, Any]:
    """Where a framework keeps an optimizer's slots, as the optimizer's file says."""
    if not optimizer.SLOTS:
        return {}
    told = twin_of("the slots of optimizer", optimizer, framework, method=f"{framework}_slots")
    homes: dict[str, Any] = told()
    return homes


def factory(model: str) -> Callable[[], Any]:
    """The function that "file.py:function" names."""
    path, _, name = model.rpartition(":")
    if not path or not name:
        raise UsageError(f"model {model!r}: write it as file.py:factory")
    forget_project()
    module = load_file(Path(path))
    if not callable(getattr(module, name, None)):
        offered = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
        raise UsageError(f"{path} has no factory {name!r}; it has {', '.join(sorted(offered))}")
    found: Callable[[], Any] = getattr(module, name)
    return found


def forget_project() -> None:
    """Forget the modules of the project: a model is made of its files as they are now.

    A worker may live through many runs, in a notebook say, between which they are edited.
    """
    here = Path.cwd()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or name == "__main__" or name.split(".")[0] == "backproof":
            continue
        path = Path(file)
        if path.is_relative_to(here) and "site-packages" not in path.parts:
            del sys.modules[name]


def load_file(path: Path, name: str = "") -> ModuleType:
    """A Python file as a module of that name, wherever it lies; executed anew each time."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    name = name or f"backproof_loaded_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
