"""Atoms: the values that code has at hand at a layer, where it takes a derivative.

Each is written over `Ops`, so that what was found in floating point is held against a bound of its
own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backproof.mathematics import functions
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import centre
from backproof.mathematics.faults.fault import Place

# A value in any arithmetic.
T = Any
Make = Callable[[Scope[T], Place], T]


@dataclass(frozen=True)
class Atom:
    """A value that code has at a layer, as it would write it, with the size of its terms."""

    text: str
    value: Make
    size: Make
    loose: bool = False
    """Whether it wants brackets inside of a product."""

    def inside(self, power: int) -> str:
        """As a factor."""
        bare = f"({self.text})" if self.loose else self.text
        return bare if power == 1 else f"{bare}**{power}"


def one(scope: Scope[T], place: Place) -> T:
    """Ones, in the shape of the layer's units."""
    return scope.ops.exact(np.ones(scope.values[f"z/{place.name}"].shape))


def z_of(scope: Scope[T], place: Place) -> T:
    """The pre-activation."""
    return scope.values[f"z/{place.name}"]


def a_of(scope: Scope[T], place: Place) -> T:
    """The activation."""
    return scope.values[f"activation/{place.name}"]


def size_of(make: Make) -> Make:
    """Its absolute value."""
    return lambda scope, place: scope.ops.magnitude(make(scope, place))


def complement(make: Make, sign: float) -> tuple[Make, Make]:
    """1 − x or 1 + x, and the size of its terms."""

    def value(scope: Scope[T], place: Place) -> T:
        ops, x = scope.ops, make(scope, place)
        return (ops.add if sign > 0 else ops.subtract)(one(scope, place), x)

    def size(scope: Scope[T], place: Place) -> T:
        ops = scope.ops
        return ops.add(one(scope, place), ops.magnitude(make(scope, place)))

    return value, size


def squared(make: Make) -> Make:
    """Its square."""

    def value(scope: Scope[T], place: Place) -> T:
        x = make(scope, place)
        return scope.ops.multiply(x, x)

    return value


def slope_at(make: Make) -> Make:
    """f′ at a value."""

    def value(scope: Scope[T], place: Place) -> T:
        ops, at = scope.ops, make(scope, place)
        return ops.vjp(place.f, at, ops.activate(place.f, at), one(scope, place))

    return value


def applied(name: str, make: Make) -> Make:
    """A function by its name."""
    return lambda scope, place: scope.ops.activate(functions.named(name), make(scope, place))


def side(above: bool, *, zero: bool = False) -> Make:
    """1 where z > 0 (or where z < 0), else 0; with ``zero``, 1 where z is exactly 0, too."""

    def value(scope: Scope[T], place: Place) -> T:
        ops = scope.ops
        if zero:  # all but the other side
            return ops.subtract(one(scope, place), side(not above)(scope, place))
        sign = ops.sign(z_of(scope, place))
        size = ops.magnitude(sign)
        return ops.scale((ops.add if above else ops.subtract)(size, sign), 0.5, roundings=-1)

    return value


def above_without_bias(scope: Scope[T], place: Place) -> T:
    """1 where the pre-activation without its bias is above 0, else 0."""
    z, bias = np.asarray(centre(z_of(scope, place))), np.asarray(scope.parameters[place.bias])
    return scope.ops.exact((z - bias > 0).astype(np.float64))


def unit_size(scope: Scope[T], place: Place) -> T:
    """The size of what is about 1 at most."""
    return one(scope, place)


SIDES = {
    "(z > 0)": side(True),
    "(z < 0)": side(False),
    "(z >= 0)": side(True, zero=True),
    "(z <= 0)": side(False, zero=True),
}


def atoms(place: Place) -> list[Atom]:
    """What a slope is made of at a layer, the right one first, then the plainest."""
    found = [right_atom(place)] if place.f.name not in ("linear", "softmax") else []
    found += [Atom("a", a_of, size_of(a_of)), Atom("z", z_of, size_of(z_of))]
    for text, make in (("a", a_of), ("z", z_of)):
        found.append(Atom(f"1 - {text}", *complement(make, -1), loose=True))
        found.append(Atom(f"1 + {text}", *complement(make, 1), loose=True))
        found.append(Atom(f"1 - {text}**2", *complement(squared(make), -1), loose=True))
    found += [Atom(text, make, unit_size) for text, make in SIDES.items()]
    if place.bias and place.f.PIECEWISE_LINEAR:
        found.append(Atom("(x @ W > 0)", above_without_bias, unit_size))
    if place.f.name not in ("linear", "softmax"):
        found.append(Atom("f'(a)", slope_at(a_of), unit_size))
    for name in ("sigmoid", "tanh"):
        if place.f.name != name:
            found.append(Atom(f"{name}(z)", applied(name, z_of), unit_size))
    return found


# The derivative as code writes it.
WRITTEN = {"sigmoid": "a * (1 - a)", "tanh": "1 - a**2", "relu": "(z > 0)"}


def right_atom(place: Place) -> Atom:
    """The derivative of the layer's function, which every code may write in its own way."""
    text = WRITTEN.get(place.f.name, "f'(z)")
    alpha = getattr(place.f, "alpha", None)
    if place.f.name == "leaky_relu" and alpha is not None:
        text = f"where(z > 0, 1, {alpha:g})"
    return Atom(text, slope_at(z_of), unit_size, loose=place.f.name in ("sigmoid", "tanh"))
