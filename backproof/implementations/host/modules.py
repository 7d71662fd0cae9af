"""The modules of a user's project, as they are in a process that outlives a change of them."""

from __future__ import annotations

import importlib
import linecache
import sys
from pathlib import Path

Stamp = tuple[int, int]
"""When a file was changed, in nanoseconds, and its size."""


def is_foreign(module: object) -> bool:
    """Whether a module is installed, or Python's own: it stays as it is while a project changes."""
    file = getattr(module, "__file__", None)
    name = getattr(module, "__name__", "")
    if not isinstance(file, str) or not isinstance(name, str) or name == "__main__":
        return False
    installed = {"site-packages", "dist-packages"} & set(Path(file).parts)
    own = name.partition(".")[0] == "backproof"
    return bool(installed) or own or file.startswith((sys.base_prefix, sys.prefix))


class Project:
    """The modules below a folder that this process has imported."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, tuple[Path, Stamp | None]] = {}

    def note(self) -> None:
        """Remember how the files are of the modules that are new."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name not in self._known and isinstance(file, str) and not is_foreign(module):
                path = Path(file)
                if path.is_relative_to(self.root):
                    self._known[name] = path, stamp(path)

    def refresh(self) -> bool:
        """Forget all of them if one has changed, so that they are imported anew."""
        if all(stamp(path) == before for path, before in self._known.values()):
            return False
        for name in self._known:
            sys.modules.pop(name, None)
        self._known.clear()
        importlib.invalidate_caches()
        linecache.checkcache()
        return True


def stamp(path: Path) -> Stamp | None:
    """How a file is; None if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
