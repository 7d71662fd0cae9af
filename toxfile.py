"""Lets tox environments that name the same folder share it.

tox notes in the folder of an environment whose it is, and builds the folder anew when an
environment of another name comes: the frameworks would be installed again at each turn from verify
to test. An environment with ``runner = shared`` notes the folder's name in place of its own.
Whatever else makes tox build it anew (another Python, other constraints, a dependency less) still
does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tox.plugin import impl
from tox.tox_env.api import ToxEnv
from tox.tox_env.info import Info
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tox.tox_env.register import ToxEnvRegister


class FolderInfo(Info):
    """What tox notes in an environment's folder, under the folder's name."""

    def compare(
        self, value: Any, section: str, sub_section: str | None = None
    ) -> AbstractContextManager[tuple[bool, Any | None]]:
        """Compare with what was noted before, and note it."""
        if section == ToxEnv.__name__:
            value = {**value, "name": self._path.parent.name}
        return super().compare(value, section, sub_section)


class SharedRunner(VirtualEnvRunner):
    """A virtual environment known by its folder."""

    @staticmethod
    def id() -> str:
        """Its name in ``runner =``."""
        return "shared"

    @property
    def cache(self) -> Info:
        """The notes in the folder."""
        return FolderInfo(self.env_dir)


@impl
def tox_register_tox_env(register: ToxEnvRegister) -> None:
    """Make ``runner = shared`` known."""
    register.add_run_env(SharedRunner)
