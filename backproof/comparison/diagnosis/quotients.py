"""Quotients: what an adaptive optimizer takes off a parameter, as people get it wrong.

A mean by the root of another: each of them old or new, corrected for its start at zero in one way
or another, the epsilon in the root or beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.linear import Term
from backproof.mathematics.arithmetic.running_means import uncorrected
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.optimizers import STEP_COUNT

T = Any
Values = NDArray[np.float64]
Make = Callable[[Scope[T]], T]

ADAPTIVE = ("adam", "adamw", "rmsprop", "adagrad", "adadelta")
# By its letter, the slot of each kind that means of gradients, and of squares, are kept in.
MEANS = {"m": ("first_moment", "beta_1")}
SQUARES = {
    "v": ("second_moment", "beta_2"),
    "u": ("largest_second_moment", "beta_2"),
    "w": ("mean_square", ""),
    "s": ("sum_of_squares", ""),
}
# So many values of epsilon are read from a step.
MOST_EPSILONS = 2


@dataclass(frozen=True, eq=False)
class Part:
    """A mean as code may take it."""

    text: str
    make: Make


def quotients(target: Target, parameter: str, epsilons: Sequence[float] = ()) -> list[Term]:
    """All quotients; ``epsilons``: those that were read from the numbers, beside the declared."""
    optimizer: Any = target.optimizer
    if optimizer.name not in ADAPTIVE:
        return []
    known = [("eps", float(optimizer.epsilon)), *((f"{e:.6g}", e) for e in epsilons)]
    above, below = tops(target, parameter), sizes(target, parameter)
    roots = [each for one in below for each in forms(one, known)]
    return [
        Term(f"{top.text} / {root.text}", divided(top, root)) for top in above for root in roots
    ]


def divided(top: Part, below: Part) -> Make:
    """A quotient."""
    return lambda s: s.ops.divide(top.make(s), below.make(s))


def forms(size: Part, epsilons: Sequence[tuple[str, float]]) -> Iterator[Part]:
    """What is divided by, from a mean of squares."""

    def root(s: Scope[T]) -> T:
        return s.ops.sqrt(size.make(s))

    x = size.text
    for text, e in epsilons:

        def plus(make: Make, e: float = e) -> Make:
            def made(s: Scope[T]) -> T:
                value = make(s)
                return s.ops.add(value, s.ops.constant(e, value, 2))

            return made

        inside = plus(size.make)
        yield Part(f"(sqrt({x}) + {text})", plus(root))
        yield Part(f"sqrt({x} + {text})", lambda s, m=inside: s.ops.sqrt(m(s)))  # type: ignore[misc]
        yield Part(f"({x} + {text})", inside)
    yield Part(f"sqrt({x})", root)


def tops(target: Target, parameter: str) -> list[Part]:
    """What may stand above the line."""
    optimizer: Any = target.optimizer

    def g(s: Scope[T]) -> T:
        return s.values[f"gradient/{parameter}"]

    found: list[Part] = []
    for letter, (slot, beta) in MEANS.items():
        if slot in optimizer.SLOTS:
            found += taken(optimizer, parameter, letter, slot, beta)
    if optimizer.name == "adadelta":
        for text, site in (("u", "old"), ("u_new", "new")):
            mean = kept(parameter, "mean_square_of_steps", site)
            for form in forms(Part(text, mean), [("eps", optimizer.epsilon)]):
                found.append(
                    Part(f"g * {form.text}", lambda s, f=form: s.ops.multiply(g(s), f.make(s)))  # type: ignore[misc]
                )
    found.append(Part("g", g))
    if {"m", "m_hat"} <= {each.text for each in found}:
        found += mixtures(float(optimizer.beta_1), found, g)
    if decay := getattr(optimizer, "decay", 0.0):

        def w(s: Scope[T]) -> T:
            return s.ops.scale(s.ops.exact(s.parameters[parameter]), decay, roundings=2)

        found += [
            Part(f"({p.text} + {decay:g} * W)", lambda s, p=p: s.ops.add(p.make(s), w(s)))  # type: ignore[misc]
            for p in found
            if p.text in ("m", "m_hat")
        ]
    return found


def mixtures(beta: float, among: Sequence[Part], g: Make) -> Iterator[Part]:
    """Nesterov's way: the momentum once more, and the gradient."""
    share = uncorrected(beta, 0)[0]

    def mixed(top: Part, gradient: Make) -> Make:
        def made(s: Scope[T]) -> T:
            ahead = s.ops.scale(top.make(s), beta, roundings=2)
            own = gradient(s)
            return s.ops.add(ahead, s.ops.multiply(own, s.ops.constant(share, own, 4)))

        return made

    for top in among:
        if top.text in ("m", "m_hat"):
            told = f"(beta_1 * {top.text} + (1 - beta_1) * g"
            yield Part(f"{told})", mixed(top, g))
            whole = by_share(g, lambda count: uncorrected(beta, count))
            yield Part(f"{told} / (1 - beta_1**t))", mixed(top, whole))


def sizes(target: Target, parameter: str) -> list[Part]:
    """What may stand in the root below the line."""
    optimizer: Any = target.optimizer
    found: list[Part] = []
    for letter, (slot, beta) in SQUARES.items():
        if slot in optimizer.SLOTS:
            found += taken(optimizer, parameter, "v" if letter == "w" else letter, slot, beta)
    if "mean_gradient" in optimizer.SLOTS:
        v, m = (kept(parameter, slot, "new") for slot in ("mean_square", "mean_gradient"))
        found.append(Part("(v - m**2)", lambda s: s.ops.subtract(v(s), s.ops.multiply(m(s), m(s)))))
    g = f"gradient/{parameter}"
    found.append(Part("g**2", lambda s: s.ops.multiply(s.values[g], s.values[g])))
    return found


def taken(optimizer: Any, parameter: str, letter: str, slot: str, beta: str) -> list[Part]:
    """A mean, new and old, with each correction."""
    new, old = (kept(parameter, slot, which) for which in ("new", "old"))
    found = [Part(letter, new), Part(f"{letter}_old", old)]
    if not beta:
        return found
    shares = divisors(beta, float(getattr(optimizer, beta)))
    other = "beta_1" if beta == "beta_2" else "beta_2"
    shares += divisors(other, float(getattr(optimizer, other)))[:1]
    texts = [f"{letter}_hat", *(f"{letter} / {text}" for text, _ in shares[1:])]
    found += [
        Part(text, by_share(new, share)) for text, (_, share) in zip(texts, shares, strict=True)
    ]
    found.append(Part(f"({letter}_old / {shares[0][0]})", by_share(old, shares[0][1])))
    return found


def kept(parameter: str, slot: str, which: str) -> Make:
    """A slot, as it came or as it was left."""
    if which == "old":
        return lambda s: s.ops.exact(s.parameters[f"{slot}/{parameter}"])
    return lambda s: s.values[f"updated/{slot}/{parameter}"]


Share = Callable[[int], tuple[Fraction, int]]
"""By the steps before this one, a number and the roundings in which it is reached."""


def divisors(name: str, beta: float) -> list[tuple[str, Share]]:
    """What a mean is divided by for its start at zero, the right one first."""

    def power(late: int) -> Share:
        return lambda count: (
            uncorrected(beta, count + late) if count + late >= 0 else (Fraction(0), 0)
        )

    def linear(count: int) -> tuple[Fraction, int]:
        product = Fraction(beta) * (count + 1)
        rest = 1 - product
        return rest, ceil(4 * product / abs(rest)) + 2 if rest else 0

    return [
        (f"(1 - {name}**t)", power(0)),
        (f"(1 - {name}**(t - 1))", power(-1)),
        (f"(1 - {name}**(t + 1))", power(1)),
        (f"(1 - {name} * t)", linear),
        (f"(1 - {name})", lambda count: uncorrected(beta, 0)),
    ]


def by_share(mean: Make, share: Share) -> Make:
    """A mean divided by a number that the count gives."""

    def made(s: Scope[T]) -> T:
        value, (number, roundings) = mean(s), share(int(s.parameters[STEP_COUNT]))
        if not number:
            return s.ops.scale(value, float("inf"))
        return s.ops.divide(value, s.ops.constant(number, value, roundings))

    return made


def epsilons_of(
    target: Target, parameter: str, change: Values, scope: Scope[Any], rate: float
) -> list[float]:
    """The epsilons with which some quotient is what was taken off a parameter."""
    found: list[float] = []
    optimizer: Any = target.optimizer
    if optimizer.name not in ADAPTIVE or not np.isfinite(rate):
        return found
    with np.errstate(all="ignore"):
        above = [np.ravel(np.asarray(p.make(scope), np.float64)) for p in tops(target, parameter)]
        below = [np.ravel(np.asarray(p.make(scope), np.float64)) for p in sizes(target, parameter)]
        for top in above:
            size = rate * top / np.ravel(change)
            for square in below:
                for e in (size - np.sqrt(square), size**2 - square, size - square):
                    finite = e[np.isfinite(e)]
                    if len(finite) < 3:
                        continue
                    middle = float(np.median(finite))
                    rounded = float(f"{middle:.3g}")
                    near = np.abs(finite - middle) <= 1e-3 * abs(middle)
                    new = not any(abs(rounded - k) <= 1e-3 * k for k in (*found, optimizer.epsilon))
                    if middle > 0 and near.all() and new:
                        found.append(rounded)
    return found[:MOST_EPSILONS]
