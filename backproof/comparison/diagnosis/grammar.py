"""The grammar: the expressions that code may have used in the place of the right one.

Smallest first: products of the values that code has at hand where it takes a derivative, each
with a factor; and sums of two of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.atoms import SIDES, Atom, atoms, one
from backproof.comparison.diagnosis.factors import Factor, scaled
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.fault import Place

# A value in any arithmetic.
T = Any
Values = NDArray[np.float64]

# The most factors of a product that is looked for.
MOST_FACTORS = 3
# How often a product of these may round, however it is multiplied out, at the size of its terms.
ROUNDINGS = 8


@dataclass(frozen=True)
class Product:
    """A product of atoms; of none, 1."""

    atoms: tuple[Atom, ...]

    @property
    def text(self) -> str:
        """``a * z**2``."""
        powers = {each: self.atoms.count(each) for each in self.atoms}
        if not powers:
            return "1"
        if len(self.atoms) == 1:
            return self.atoms[0].text
        return " * ".join(atom.inside(power) for atom, power in powers.items())

    @property
    def loose(self) -> bool:
        """Whether it wants brackets inside of a product."""
        return len(self.atoms) == 1 and self.atoms[0].loose

    def value(self, scope: Scope[T], place: Place) -> T:
        """The product of the values, (samples, units); ones, if there is none."""
        return self._of([atom.value(scope, place) for atom in self.atoms], scope, place)

    def size(self, scope: Scope[T], place: Place) -> T:
        """The same of the sizes of their terms."""
        return self._of([atom.size(scope, place) for atom in self.atoms], scope, place)

    def _of(self, factors: list[T], scope: Scope[T], place: Place) -> T:
        if not factors:
            return one(scope, place)
        found = factors[0]
        for factor in factors[1:]:
            found = scope.ops.multiply(found, factor)
        return found


def candidates(place: Place, values: Callable[[Atom], Values], most: int) -> list[Product]:
    """All products of atoms, the smallest first; of those that are equal, the first alone.

    ``values``: those of an atom at all points that are looked at, in a row. (Of a function with a
    kink the two sides come first: its slope is told by them.)
    """
    among = atoms(place)
    known = []
    with np.errstate(all="ignore"):
        known = [values(atom) for atom in among]
    kept: dict[bytes, Product] = {}
    for length in range(most + 1):
        for chosen in combinations_with_replacement(range(len(among)), length):
            with np.errstate(all="ignore"):
                value = np.ones_like(known[0])
                for index in chosen:
                    value = value * known[index]
            key = np.round(value, 9).tobytes()
            if key not in kept and np.isfinite(value).all() and value.any():
                kept[key] = Product(tuple(among[index] for index in chosen))
    found = list(kept.values())
    if place.f.PIECEWISE_LINEAR:
        found.sort(key=lambda each: not (len(each.atoms) == 1 and each.text in SIDES))
    return found


LEAKY = re.compile(r"where\(z > 0, 1, ([-+.e\d]+)\)")


def leaky(here: Mapping[str, str]) -> str | None:
    """Numbers in front of ``z > 0`` and of a leaky slope, as one number on each side."""
    slopes = {text: found for text in here if (found := LEAKY.fullmatch(text))}
    if len(slopes) != 1 or set(here) != {*slopes, "(z > 0)"}:
        return None
    ((text, found),) = slopes.items()
    try:
        above, both = float(here["(z > 0)"]), float(here[text])
    except ValueError:
        return None  # a number that n gives
    # Of the two sides z > 0 and z < 0 it reads otherwise, for it is no 0 where z is.
    return f"where(z <= 0, {both * float(found[1]):g}, {above + both:g})"


@dataclass(frozen=True)
class Sum:
    """One product or two, each with its factor: what code multiplies something by."""

    terms: tuple[tuple[Factor, Product], ...]

    @property
    def text(self) -> str:
        """As code would read."""
        here = {p.text: f.text for f, p in self.terms}
        if (pair := self._sides) is not None:
            return f"where({pair[0][1:-1]}, {here[pair[0]]}, {here[pair[1]]})"
        if (sides := leaky(here)) is not None:
            return sides
        parts = [factor.before(p.text, loose=p.loose) for factor, p in self.terms]
        text = parts[0]
        for part in parts[1:]:
            text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return text

    @property
    def cost(self) -> float:
        """How much of it there is: smaller ones are likelier."""
        if self._sides is not None:
            return 3
        return sum(1 + len(p.atoms) + (f.text not in ("1", "-1")) + f.found for f, p in self.terms)

    @property
    def _sides(self) -> tuple[str, str] | None:
        """The two sides of a kink, where it is one number on each."""
        texts = sorted(p.text for _, p in self.terms)
        for pair in (("(z > 0)", "(z < 0)"), ("(z >= 0)", "(z < 0)"), ("(z > 0)", "(z <= 0)")):
            if texts == sorted(pair):
                return pair
        return None

    def applied(self, scope: Scope[T], place: Place, known: Mapping[str, float], to: T) -> T:
        """What code makes of ``to``, in whatever order it multiplies."""
        ops = scope.ops
        parts = []
        for factor, each in self.terms:
            value = ops.multiply(to, each.value(scope, place))
            size = ops.multiply(ops.magnitude(to), each.size(scope, place))
            value = charged_at(ops, value, size, ROUNDINGS) if each.atoms else value
            parts.append(scaled(ops, value, factor.of(known)))
        return parts[0] if len(parts) == 1 else ops.add(*parts)
