"""Activation functions, one file each: value, derivative, and the rule of each arithmetic."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.errors import UsageError

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.balls.ball import Ball
    from backproof.mathematics.arithmetic.certified import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding

Values = NDArray[np.floating]


class Activation(Protocol):
    """What a file of this package provides, as a frozen dataclass called `Function`."""

    name: ClassVar[str]

    def latex(self) -> tuple[str, str]:
        """f(Z), and f′(Z), which may use A = f(Z): for `backproof explain`."""

    def __hash__(self) -> int: ...

    def value(self, z: Values) -> Values:
        """f(z) for pre-activations (samples, units), in the dtype of z."""

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        """The cotangent of a = f(z) (samples, units) taken back to z."""

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """f of a ball: the radius holds for any correct implementation."""

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """`vjp` of balls."""

    def certified(self, z: Certified) -> Certified:
        """f of certified values."""

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        """`vjp` of certified values; at an undecided kink the hull of both sides."""


def names() -> list[str]:
    """All activations there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@lru_cache(typed=True)  # True is not 1.0
def named(name: str, **fields: float) -> Activation:
    """The activation of that name, with its fields where it has any: a slope, say.

    Fields not given have the value that most frameworks give them. A `UsageError` says what a name
    or a field should have been.
    """
    if name not in names():
        raise UsageError(f"no activation {name!r}; there are {', '.join(names())}")
    function = importlib.import_module(f"{__name__}.{name}").Function
    known = {field.name: field.default for field in dataclasses.fields(function)}
    for field, value in fields.items():
        if field not in known:
            offered = f"it has {', '.join(known)}" if known else "it has none"
            raise UsageError(f"activation {name!r} has no field {field!r}; {offered}")
        if isinstance(known[field], bool):
            if not isinstance(value, bool):
                raise UsageError(f"{name}({field}={value!r}): give True or False")
        elif not finite(value):
            raise UsageError(f"{name}({field}={value!r}): give a finite number")
    function.__repr__ = shown
    activation: Activation = function(**fields)
    return activation


def shown(activation: Any) -> str:
    """``leaky_relu(alpha=0.1)``, in a network's repr; the class of each is called Function."""
    fields = (field.name for field in dataclasses.fields(activation))
    given = ", ".join(f"{name}={getattr(activation, name)!r}" for name in fields)
    return f"{activation.name}({given})"


def finite(value: object) -> bool:
    """Whether it is a number, and neither NaN nor infinite."""
    return isinstance(value, int | float) and isfinite(value)


def to_json(activation: Activation) -> dict[str, Any]:
    """Name and fields, as `from_json` takes them."""
    return {"name": activation.name, **dataclasses.asdict(activation)}  # type: ignore[call-overload]


def from_json(described: dict[str, Any]) -> Activation:
    """The activation that `to_json` described."""
    return named(**described)
