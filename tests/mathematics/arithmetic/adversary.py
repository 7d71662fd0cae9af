"""An implementation that errs as much as its rounding model lets it, on purpose, in Arb numbers.

`Adversary` is a machine whose every operation is wrong: by the full unit roundoff, by the full
charge of a function, by all that underflow may take, in a direction and an order of summation that
it draws at the start. What it computes is what *some* implementation within the model computes, so
a radius that does not cover it is unsound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import frexp
from random import Random

from flint import arb

from backproof.mathematics.arithmetic.rounding.model import Rounding

ZERO, ONE = arb(0), arb(1)
Row = list[arb]

# Where a result is pushed to: the sign of its relative error.
HABITS: dict[str, Callable[[arb, Random], int]] = {
    "outward": lambda exact, random: 1,
    "inward": lambda exact, random: -1,
    "right": lambda exact, random: 1 if exact > 0 else -1,
    "left": lambda exact, random: -1 if exact > 0 else 1,
    "anywhere": lambda exact, random: random.choice((1, -1)),
}
ORDERS = ("forward", "backward", "largest first", "pairwise", "tree")


def power_of_two(x: arb) -> bool:
    """Whether a factor of x moves the exponent only."""
    return x.is_exact() and frexp(float(x))[0] in (0.5, -0.5)


def elementwise(function: Callable[..., arb]) -> Callable[..., Row]:
    """A function of rows from one of elements."""
    return lambda m, *rows: [function(m, *items) for items in zip(*rows, strict=True)]


class Adversary:
    """Arithmetic with the largest errors that a `Rounding` allows, by one drawn habit."""

    def __init__(self, rounding: Rounding, random: Random) -> None:
        self.rounding = rounding
        self.random = random
        self.unit, self.tiny = arb(rounding.unit), arb(rounding.tiny)
        self.push = HABITS[random.choice(list(HABITS))]
        self.flushes = random.random() < 0.5
        self.fuses = random.random() < 0.25
        self.order = random.choice(ORDERS)

    def rounded(self, exact: arb, relative: arb | None = None, *, summed: bool = False) -> arb:
        """``exact``, off by the relative error ``relative`` (by default the unit roundoff).

        A result below the smallest normal number is flushed to zero, or off by half the smallest
        subnormal instead; a sum is exact there, for its terms are multiples of that.
        """
        error = exact * (self.unit if relative is None else relative)
        result = exact + error * self.push(exact, self.random)
        if exact == 0 or not abs(result) < self.tiny:
            return result
        if self.flushes:
            return ZERO
        return exact if summed else exact + self.tiny * self.unit * self.push(exact, self.random)

    def add(self, a: arb, b: arb) -> arb:
        return a + b if a == 0 or b == 0 else self.rounded(a + b, summed=True)

    def subtract(self, a: arb, b: arb) -> arb:
        return self.add(a, -b)

    def multiply(self, a: arb, b: arb) -> arb:
        """A power of two moves the exponent only: exact, but for underflow."""
        if power_of_two(a) or power_of_two(b):
            return self.rounded(a * b, ZERO)
        return self.rounded(a * b)

    def divide(self, a: arb, b: arb) -> arb:
        """a/b, as one division or as a product with the reciprocal."""
        if self.random.random() < 0.5:
            return self.rounded(a / b)
        return self.multiply(a, self.rounded(ONE / b))

    def sqrt(self, a: arb) -> arb:
        return self.call("sqrt", a.sqrt()) if a != 0 else ZERO

    def call(self, function: str, exact: arb) -> arb:
        """The value of an elementary function, off by all that it is charged."""
        return self.rounded(exact, arb(self.rounding.charge(function)))

    def exp(self, x: arb) -> arb:
        return ONE if x == 0 else self.call("exp", x.exp())

    def log(self, x: arb) -> arb:
        return ZERO if x == 1 else self.call("log", x.log())

    def log1p(self, x: arb) -> arb:
        return self.call("log1p", x.log1p())

    def expm1(self, x: arb) -> arb:
        return self.call("expm1", x.expm1())

    def at(self, size: arb, function: str, exact: arb) -> arb:
        """The value of a function whose error counts at some size, not at that of the result."""
        error = size * arb(self.rounding.charge(function))
        return exact + error * self.push(exact, self.random)

    def total(self, terms: Sequence[arb]) -> arb:
        """The sum, in the order that is this machine's habit."""
        terms = self.ordered(terms)
        if self.order == "pairwise":
            while len(terms) > 1:
                pairs = [self.add(a, b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
                terms = pairs + terms[2 * len(pairs) :]
        elif self.order == "tree":
            while len(terms) > 1:
                a = terms.pop(self.random.randrange(len(terms)))
                b = terms.pop(self.random.randrange(len(terms)))
                terms.append(self.add(a, b))
        return reduce(self.add, terms, ZERO)

    def ordered(self, terms: Sequence[arb]) -> list[arb]:
        """The terms as they are taken up; the largest first is worst for all that follow."""
        if self.order == "backward":
            return list(reversed(terms))
        if self.order == "largest first":
            return sorted(terms, key=lambda term: -abs(float(term)))
        return list(terms)

    def dot(self, left: Sequence[arb], right: Sequence[arb], also: Sequence[arb] = ()) -> arb:
        """The inner product: products and their sum, or multiply-adds of one rounding each.

        ``further_terms``: more terms of the sum.
        """
        if not self.fuses:
            products = [self.multiply(a, b) for a, b in zip(left, right, strict=True)]
            return self.total([*also, *products])
        products = self.ordered([a * b for a, b in zip(left, right, strict=True)])
        start = self.total(also)
        return reduce(lambda s, p: s if p == 0 else self.rounded(s + p), products, start)

    def product(self, *factors: arb) -> arb:
        """The product of several numbers, in any order."""
        return reduce(self.multiply, self.random.sample(factors, len(factors)))

    def coefficient(self, c: arb, roundings: int) -> arb:
        """A coefficient that was reached in so many roundings."""
        return reduce(lambda value, _: self.rounded(value), range(roundings), c)
