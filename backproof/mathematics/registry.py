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
from pathlib import Path
from typing import Any, Generic, TypeVar

from backproof.mathematics.checking import check_arguments
from backproof.mathematics.errors import UsageError

T = TypeVar("T")

# What a file of a folder of parts calls the one that it defines.
PART = "PART"
# The folder of each sort, with its registry: imported when first needed.
HOMES = {
    "activation": "backproof.mathematics.functions",
    "layer": "backproof.mathematics.layers.kinds",
    "loss": "backproof.mathematics.losses",
    "optimizer": "backproof.mathematics.optimizers",
    "report format": "backproof.reports.formats",
}
SORTS: dict[str, Registry[Any]] = {}


class Registry(Generic[T]):
    """The parts of one sort, by name: files of a package, and what was entered from outside.

    A file is read when its part is first asked for; its name is the part's. Files in ``besides``
    are none; where there is a ``suffix``, files with another end are none either, and the name is
    without it. ``called``: the attribute of a part that holds its name. ``defined_by``: what of a
    part its file can be told of, where that is not the part or its class. ``closed``: takes none
    from outside.
    """

    def __init__(
        self,
        sort: str,
        package: str,
        *,
        besides: tuple[str, ...] = (),
        suffix: str = "",
        closed: bool = False,
        called: str = "name",
        defined_by: Callable[[T], object] = lambda part: part,
    ) -> None:
        self.sort = sort
        self.package = package
        self.besides = besides
        self.suffix = suffix
        self.called = called
        self.defined_by = defined_by
        self._read: dict[str, T] = {}
        self._entered: dict[str, T] = {}
        self._sources: dict[str, str] = {}
        if not closed:
            SORTS[sort] = self

    @property
    def one(self) -> str:
        """The sort with its article."""
        return f"{'an' if self.sort[0] in 'aeiou' else 'a'} {self.sort}"

    def names(self) -> list[str]:
        """All parts there are."""
        path = importlib.import_module(self.package).__path__
        files = {module.name for module in pkgutil.iter_modules(path)} - set(self.besides)
        own = {name.removesuffix(self.suffix) for name in files if name.endswith(self.suffix)}
        return sorted({*own, *self._entered})

    def get(self, name: str) -> T:
        """The part of that name; a `UsageError` says which there are."""
        if name in self._entered:
            return self._entered[name]
        if name not in self._read:
            if name not in self.names():
                raise UsageError(f"no {self.sort} {name!r}; there are {', '.join(self.names())}")
            module = importlib.import_module(f"{self.package}.{name}{self.suffix}")
            self._read[name] = getattr(module, PART)
        return self._read[name]

    def enter(self, part: T) -> None:
        """Take a part from outside in; the same part again, read anew, takes its own place."""
        name = getattr(part, self.called, None)
        if not isinstance(name, str):
            raise UsageError(f"{self.one} needs {self.called!r}, its name; {part!r} has none")
        if missing := sorted(getattr(part, "__abstractmethods__", ())):
            raise UsageError(f"the {self.sort} {name!r} lacks {', '.join(missing)}")
        known, own = self._sources.get(name), source(self.defined_by(part))
        if known is None and name in self.names():
            raise UsageError(
                f"backproof has {self.one} {name!r} of its own; give yours another name"
            )
        if known not in (None, own):
            raise UsageError(f"two files define the {self.sort} {name!r}: {known} and {own}")
        self._entered[name], self._sources[name] = part, own

    def entered(self) -> dict[str, T]:
        """The parts that came from outside, by name."""
        return dict(self._entered)

    def files(self) -> set[str]:
        """The files that those stand in."""
        return set(self._sources.values())


def register(sort: str) -> Callable[[T], T]:
    """Enter a part of one's own: ``@register("activation")`` above its class.

    What each sort asks of a part is said in its folder. Raises `UsageError` for an unknown sort,
    for a name that is taken, and for a part that lacks something or stands in no file.
    """
    check_arguments(register, locals())
    if sort in HOMES:
        importlib.import_module(HOMES[sort])
    if sort not in SORTS:
        there = ", ".join(sorted({*SORTS, *HOMES}))
        raise UsageError(f"no sort of part {sort!r}; there are {there}")

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


def name_and_fields(sort: str, given: object) -> dict[str, Any]:
    """A part as it is written down: its name alone, or a table of its name and its fields."""
    described = {"name": given} if isinstance(given, str) else given
    if not isinstance(described, Mapping) or not isinstance(described.get("name"), str):
        raise UsageError(
            f"{sort} needs a name, alone or in a table with its fields; {given!r} has none"
        )
    return dict(described)


def source(part: object) -> str:
    """The file that defines a part."""
    own = inspect.isclass(part) or inspect.ismodule(part) or inspect.isfunction(part)
    try:
        found = inspect.getsourcefile(part if own else type(part))  # type: ignore[arg-type]
    except TypeError:
        found = None
    if found is None:
        raise UsageError(f"{part!r} stands in no file: workers could not load it")
    return str(Path(found).absolute())


def files() -> list[str]:
    """The files that define the parts from outside, for the workers to load."""
    return sorted(set().union(*(each.files() for each in SORTS.values())))
