"""Checking arguments against the types that they are declared with, at the face of the package.

A dataclass calls `check_fields` first of all in its ``__post_init__``, a function `check_arguments`
in its first line, or is `checked`. What is of another type is a `UsageError`, which names the
argument, says what came and what is wanted; nothing else has to ask for types.
"""

from __future__ import annotations

import datetime
import functools
import inspect
import math
import reprlib
import types
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import (
    Any,
    Literal,
    ParamSpec,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from backproof.mathematics.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")

# What is wanted, in words, and as it is written.
WORDS: dict[Any, str] = {
    str: "a string",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    Path: "a path",
    dict: "a table of values by name",
    list: "a list",
    datetime.date: "a date, as in datetime.date(2030, 1, 31)",
    type(None): "None",
    "Activation": 'an Activation, as in activations.named("relu")',
    "Batch": "a Batch, as in Batch(inputs, targets)",
    "Form": 'a Form, as in Form("probabilities")',
    "Loss": 'a Loss, as in Loss("squared_error")',
    "Network": "a Network, as in Network((Dense(2, 1),), Loss(…))",
    "Optimizer": "an optimizer, as in GradientDescent(0.1)",
    "Penalty": "a Penalty, as in Penalty(l2=0.01)",
    "Waiver": "a Waiver, as in Waiver(comparison, reason, expires)",
}
_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = 60


def check_fields(made: Any) -> None:
    """Check the fields of a dataclass that is being made.

    NumPy's numbers become Python's, and a list a tuple where that is declared.
    """
    kind = type(made)
    hints = hints_of(cast(Hashable, kind))
    for field in fields(kind):
        given, hint = getattr(made, field.name), hints[field.name]
        if isinstance(given, list) and get_origin(hint) is tuple:
            given = tuple(given)
        check(f"{kind.__name__}({field.name}=…)", field.name, given, hint)
        if isinstance(given, np.generic):
            given = given.item()
        object.__setattr__(made, field.name, given)


@cache
def hints_of(declared: Any) -> dict[str, Any]:
    """The types of its fields or arguments, by name."""
    return get_type_hints(declared)


def check_arguments(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Check what a function was called with: its ``locals()``, before it has others."""
    hints = hints_of(function)
    for name, value in given.items():
        check(f"{function.__name__}({name}=…)", name, value, hints[name])


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, which checks what it is called with before all else."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs).arguments
        named = {
            name: value
            for name, value in given.items()
            if signature.parameters[name].kind is not inspect.Parameter.VAR_KEYWORD
        }
        check_arguments(function, named)
        return function(*args, **kwargs)

    return call


def check(where: str, name: str, value: Any, hint: Any) -> None:
    """Raise `UsageError` unless a value is of the type that it should be of."""
    if isinstance(value, float | np.floating) and math.isnan(value):
        raise UsageError(f"{where}: {name} is nan; give {wanted(hint)}")
    if fits(value, hint):
        return
    choices = literals(hint)
    if choices and isinstance(value, str):
        raise UsageError(f"{where.replace('…', repr(value))}: choose {wanted(hint)}")
    raise UsageError(f"{where}: {name} is {came(value)}; give {wanted(hint)}")


def check_table(
    where: str, given: Any, hints: Mapping[str, Any], needs: Iterable[str] = ()
) -> None:
    """Check a table of a file: every key is known and of its type, and those that it needs are."""
    check(where, "it", given, dict)
    for key, value in given.items():
        if key not in hints:
            raise UsageError(f"{where} has no {key!r}; it has {', '.join(hints) or 'nothing'}")
        check(f"{where}: {key} = …", key, value, hints[key])
    missing = [key for key in needs if key not in given]
    if missing:
        raise UsageError(f"{where} needs {' and '.join(missing)}")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type: what is inside of mappings and tuples is looked at, too."""
    kind, inner = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return True
    if kind in (Union, types.UnionType):
        return any(fits(value, each) for each in inner)
    if kind is Literal:
        texts = isinstance(value, str)  # of an array, == is one too
        return any(value is each or (texts and value == each) for each in inner)
    if kind is not None and issubclass(kind, Mapping):
        return isinstance(value, Mapping) and all(
            fits(key, inner[0]) and fits(each, inner[1]) for key, each in value.items()
        )
    if kind is tuple:
        return isinstance(value, tuple) and (
            all(fits(each, inner[0]) for each in value)
            if inner[-1] is Ellipsis
            else len(value) == len(inner) and all(map(fits, value, inner))
        )
    if kind in (Iterable, Sequence):  # a string is one, of its letters: nobody means that
        return (
            isinstance(value, kind)
            and not isinstance(value, str | bytes | Mapping)
            # What can be gone through only once is not.
            and (not isinstance(value, Collection) or all(fits(each, inner[0]) for each in value))
        )
    if kind is Callable or hint is Callable:
        return callable(value)
    return is_a(value, hint)


def is_a(value: Any, kind: Any) -> bool:
    """Whether a value is of a plain type; a bool is no number, a class none of its instances."""
    if kind is float:
        return isinstance(value, int | float | np.integer | np.floating) and not is_a(value, bool)
    if kind is int:
        return isinstance(value, int | np.integer) and not is_a(value, bool)
    if kind is bool:
        return isinstance(value, bool | np.bool_)
    if getattr(kind, "_is_protocol", False):
        members = {*vars(kind), *kind.__annotations__}
        return not isinstance(value, type) and all(
            hasattr(value, member) for member in members if not member.startswith("_")
        )
    if kind is datetime.date:  # a datetime is one, too, and does not compare with it
        return isinstance(value, kind) and not isinstance(value, datetime.datetime)
    return isinstance(value, kind)


def literals(hint: Any) -> bool:
    """Whether one of some strings is wanted."""
    every = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return any(get_origin(each) is Literal for each in every)


def quoted(name: object) -> str:
    """A user's name for something, in quotes, cut where it is too long."""
    return _shown.repr(str(name))


def came(value: Any) -> str:
    """What was given, in words."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    name = type(value).__name__
    try:
        text = _shown.repr(value)
    except Exception:  # whatever user code does to show itself
        text = ""
    article = "an" if name[0] in "aeiouAEIOU" else "a"
    plain = text and " at 0x" not in text  # an address says nothing, and another thing each time
    return f"{article} {name}" + (f", {text}" if plain else "")


def wanted(hint: Any) -> str:
    """What should be given, in words."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (Union, types.UnionType):
        return listed([wanted(each) for each in inner])
    if kind is Literal:
        return listed([repr(each) for each in inner])
    if kind is not None and issubclass(kind, Mapping):
        return f"a dict of {'values' if inner[1] is Any else plural(inner[1])} by name"
    if kind is tuple and inner[-1] is Ellipsis:
        return f"a tuple of {plural(inner[0])}"
    if kind is tuple:
        return f"a tuple of {len(inner)}"
    if kind in (Iterable, Sequence):
        return f"a list of {plural(inner[0])}"
    if kind is Callable or hint is Callable:
        return "something to call"
    name = getattr(hint, "__name__", str(hint))
    return WORDS.get(hint) or WORDS.get(name) or f"a {name}"


def plural(hint: Any) -> str:
    """Several of what should be given."""
    if get_origin(hint) in (Union, types.UnionType):
        return listed([plural(each) for each in get_args(hint)])
    if get_origin(hint) is not None:
        return f"{getattr(get_origin(hint), '__name__', 'thing').lower()}s"
    words = {str: "strings", float: "numbers", int: "whole numbers", type(None): "None"}
    words[Path] = "paths"
    return words.get(hint) or f"{getattr(hint, '__name__', hint)}s"


def listed(parts: list[str]) -> str:
    """``a, b or c``."""
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def finite(where: str, **values: float) -> None:
    """Raise `UsageError` for a number that is infinite; one that is none was found before."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise UsageError(f"{where}: {name} is {value}; give a finite number")


def masked(given: object) -> str:
    """How many elements of a masked array are masked, in words, or nothing.

    What stands below a mask is no number that anybody gave, though NumPy hands it out as one.
    """
    if not isinstance(given, np.ma.MaskedArray) or not np.ma.is_masked(given):
        return ""
    return f"{np.ma.getmaskarray(given).sum()} of {given.size} elements masked"


def odd_element(array: np.ndarray[Any, Any]) -> str:
    """Where in an array of objects the first one stands that is no number, and what it is."""
    for place, value in np.ndenumerate(array):
        if not isinstance(value, int | float | np.number):
            at = f" at {place}" if place else ""
            return f"{came(value)}{at}"
    return "no plain array"
