"""The formats of a report, one file each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backproof.mathematics.registry import Registry


@dataclass(frozen=True)
class Format:
    """What a file of this package provides: its ``PART``.

    ``file``: the name of the file in the report's folder. ``render``: the text of it, a
    deterministic function of the `Report`. ``compares``: it tells what has changed since the report
    that was in the folder before (``Report.changes``), and is rendered when that is known.
    """

    name: str
    file: str
    render: Callable[[Any], str]
    compares: bool = False


FORMATS: Registry[Format] = Registry(
    "report format",
    __name__,
    besides=("evaluations",),
    defined_by=lambda format_: format_.render,
)
