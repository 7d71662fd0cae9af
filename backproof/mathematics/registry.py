"""The registry of parts: each sort of part is a folder, and each file in it is one part.

A part of one's own is entered with `register`; the files of those are told to the workers, which
load them too.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Generic, TypeVar

from backproof.mathematics.errors import UsageError

T = TypeVar("T")

# What a file of a folder of parts calls the one that it defines.
PART = "PART"
SORTS: dict[str, Registry[Any]] = {}


class Registry(Generic[T]):
    """The parts of one sort, by name: files of a package, and what was entered from outside.

    A file is read when its part is first asked for; its name is the part's. Files in ``besides``
    are none. ``called``: the attribute of a part that holds its name.
    """

    def __init__(
        self, sort: str, package: str, *, besides: tuple[str, ...] = (), called: str = "name"
    ) -> None:
        self.sort = sort
        self.package = package
        self.besides = besides
        self.called = called
        self._entered: dict[str, T] = {}
        SORTS[sort] = self

    def names(self) -> list[str]:
        """All parts there are."""
        path = importlib.import_module(self.package).__path__
        files = {module.name for module in pkgutil.iter_modules(path)}
        return sorted({*files, *self._entered} - set(self.besides))

    def get(self, name: str) -> T:
        """The part of that name; a `UsageError` says which there are."""
        if name in self._entered:
            return self._entered[name]
        if name not in self.names():
            raise UsageError(f"no {self.sort} {name!r}; there are {', '.join(self.names())}")
        part: T = getattr(importlib.import_module(f"{self.package}.{name}"), PART)
        return part

    def enter(self, part: T) -> None:
        """Take a part from outside in; the same part again, read anew, takes its own place."""
        name = getattr(part, self.called, None)
        if not isinstance(name, str):
            raise UsageError(f"a {self.sort} needs {self.called!r}, its name; {part!r} has none")
        known = self._entered.get(name)
        if known is None and name in self.names():
            raise UsageError(
                f"backproof has a {self.sort} {name!r} of its own; give yours another name"
            )
        if known is not None and source(known) != source(part):
            raise UsageError(
                f"two files define the {self.sort} {name!r}: {source(known)} and {source(part)}"
            )
        self._entered[name] = part

    def entered(self) -> dict[str, T]:
        """The parts that came from outside, by name."""
        return dict(self._entered)


def register(sort: str) -> Callable[[T], T]:
    """Enter a part of one's own: ``@register("layer")`` above its class.

    Sorts are activation, layer, loss, optimizer and report format. Raises `UsageError` for an
    unknown sort, and for a name that is taken.
    """
    if sort not in SORTS:
        raise UsageError(f"no sort of part {sort!r}; there are {', '.join(sorted(SORTS))}")

    def entered(part: T) -> T:
        SORTS[sort].enter(part)
        return part

    return entered


def made(sort: str, part: type[T], fields: Mapping[str, object]) -> T:
    """A part with its fields, numbers or truth values; those not given have their defaults.

    Raises `UsageError` for a field that the part does not have, and for a value of another type.
    """
    name = getattr(part, "name", part.__name__)
    known = {}
    if dataclasses.is_dataclass(part):
        known = {field.name: field.default for field in dataclasses.fields(part)}
    for field, value in fields.items():
        if field not in known:
            offered = f"it has {', '.join(known)}" if known else "it has none"
            raise UsageError(f"{sort} {name!r} has no field {field!r}; {offered}")
        if isinstance(known[field], bool):
            if not isinstance(value, bool):
                raise UsageError(f"{name}({field}={value!r}): give True or False")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise UsageError(f"{name}({field}={value!r}): give a finite number")
    for field, default in known.items():
        if default is dataclasses.MISSING and field not in fields:
            raise UsageError(f"{sort} {name!r} needs its {field}")
    return part(**fields)


def source(part: object) -> str:
    """The file that defines a part."""
    defined = part if inspect.isclass(part) or inspect.ismodule(part) else type(part)
    try:
        return inspect.getsourcefile(defined) or ""
    except TypeError as error:
        raise UsageError(f"{part!r} stands in no file: workers could not load it") from error


def files() -> list[str]:
    """The files that define the parts from outside, for the workers to load."""
    return sorted({source(part) for each in SORTS.values() for part in each.entered().values()})
