"""The grammar: the expressions that code may have used in the place of the right one.

Smallest first: products of the values that code has at hand where it takes a derivative, each
with a factor; and sums of two of these. Each is written over `Ops`, so that what was found in
floating point is held against a bound of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.fault import Place

# A value in any arithmetic.
T = Any
Values = NDArray[np.float64]
Make = Callable[[Scope[T], Place], T]

# The most factors of a product that is looked for.
MOST_FACTORS = 3
# How often a product of these may round, however it is multiplied out, at the size of its terms.
ROUNDINGS = 8


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


@dataclass(frozen=True)
class Factor:
    """A number in front of a product: one of the numbers that code has, or one that was found."""

    text: str
    of: Callable[[Mapping[str, float]], float]
    found: bool = False
    note: str = ""

    def before(self, inner: str, *, loose: bool) -> str:
        """``2 * a``, ``-a``, ``a / n``."""
        if self.text == "1":
            return inner
        bare = f"({inner})" if loose else inner
        if self.text == "-1":
            return f"-{bare}"
        if inner == "1":
            return self.text
        if self.text.startswith("1 / "):
            return f"{bare} / {self.text[4:]}"
        if self.text.startswith("-1 / "):
            return f"-{bare} / {self.text[5:]}"
        return f"{self.text} * {bare}"


def number(value: float) -> Factor:
    """A number that stands nowhere in the declaration."""
    rounded = float(f"{value:.6g}")
    exact = rounded if abs(rounded - value) <= 1e-9 * abs(value) else value
    return Factor(f"{value:.6g}", lambda known: exact, found=True)


def factors() -> Iterator[Factor]:
    """The numbers that code has at hand, the simplest first."""
    found: list[tuple[float, str, Callable[[Mapping[str, float]], float]]] = []
    for cost, value in ((0, 1.0), (1, 2.0), (1, 0.5), (2, 3.0), (2, 4.0), (2, 0.25)):
        for n, outputs in product(range(-2, 3), repeat=2):
            found.append(power(cost, value, {"n": n, "outputs": outputs}))
        if value in (0.5, 1.0, 2.0):
            found += [power(cost, value, {"rate": each}) for each in (-1, 1)]
    for _, text, of in sorted(found, key=lambda each: each[0]):
        yield Factor(text, of)
        yield Factor(f"-{text}", lambda known, of=of: -of(known))  # type: ignore[misc] # bound now


def power(
    cost: int, value: float, powers: Mapping[str, int]
) -> tuple[float, str, Callable[[Mapping[str, float]], float]]:
    """A number times powers of what code knows: its cost, its text, its value."""
    above = [f"{n}**{p}" if p > 1 else n for n, p in powers.items() if p > 0]
    below = [f"{n}**{-p}" if p < -1 else n for n, p in powers.items() if p < 0]
    if 0 < value < 1 and (above or below):
        below = [f"{1 / value:g}", *below]
    elif value != 1 or not above:
        above = [f"{value:g}", *above]
    text = " * ".join(above) or "1"
    if below:
        text += f" / {below[0]}" if len(below) == 1 else f" / ({' * '.join(below)})"

    def of(known: Mapping[str, float]) -> float:
        found = value
        for name, each in powers.items():
            found *= known[name] ** each
        return found

    own = sum((1 + (name == "outputs") / 2) * abs(each) for name, each in powers.items())
    return cost + own, text, of


FACTORS = tuple(factors())


def counted(factor: Factor, numbers: Sequence[float]) -> Factor:
    """A factor of the outputs: if it is the same everywhere, the number may be meant."""
    if "n" in factor.text.replace("outputs", ""):
        return factor
    return Factor(f"{numbers[0]:.6g}", factor.of, note=f" ({factor.text}, here)")


def factor_of(
    numbers: Sequence[float], known: Sequence[Mapping[str, float]], share: float
) -> Factor | None:
    """The number that a factor is wherever it was measured, within a share of it; None if none.

    One that is in no list counts where two points have it, or more.
    """
    for factor in FACTORS:
        try:
            if all(
                abs(n - factor.of(k)) <= share * abs(n) for n, k in zip(numbers, known, strict=True)
            ):
                return factor if "outputs" not in factor.text else counted(factor, numbers)
        except ZeroDivisionError:
            continue
    spread = max(numbers) - min(numbers)
    if len(numbers) > 1 and spread <= share * max(map(abs, numbers)):
        return number(numbers[0])
    return None


# The values at a layer.


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


def scaled(ops: Any, value: T, factor: float) -> T:
    """A value times a factor, which code may reach in two roundings."""
    return value if factor == 1 else ops.scale(value, factor, roundings=2)
