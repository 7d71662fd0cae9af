"""The reference frameworks: one file NAME_twin.py each, imported only inside its own worker."""

from __future__ import annotations

import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from backproof.errors import UsageError

SUFFIX = "_twin"


def names() -> list[str]:
    """All frameworks there are files for."""
    return sorted(
        module.name.removesuffix(SUFFIX)
        for module in pkgutil.iter_modules(__path__)
        if module.name.endswith(SUFFIX)
    )


def factory(model: str) -> Callable[[], Any]:
    """The function that "file.py:function" names."""
    path, _, name = model.rpartition(":")
    if not path or not name:
        raise UsageError(f"model {model!r}: write it as file.py:factory")
    module = load_file(Path(path))
    if not callable(getattr(module, name, None)):
        offered = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
        raise UsageError(f"{path} has no factory {name!r}; it has {', '.join(sorted(offered))}")
    found: Callable[[], Any] = getattr(module, name)
    return found


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
