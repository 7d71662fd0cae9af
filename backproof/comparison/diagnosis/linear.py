"""Linear readings: a tensor as a sum of one or two of the arrays that code has at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.factors import Factor, scaled
from backproof.comparison.diagnosis.fitting import Sample, fitting
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import samples
from backproof.mathematics.faults.fault import Change
from backproof.mathematics.network.network import Network

T = Any
Values = NDArray[np.float64]

# Of larger arrays, so many elements are looked at in the sieve.
MOST_ELEMENTS = 400


@dataclass(frozen=True, eq=False)
class Term:
    """An array that code may have used, as it would write it."""

    text: str
    make: Callable[[Scope[T]], T]
    loose: bool = False


@dataclass(frozen=True)
class Combined:
    """Terms with their factors."""

    terms: tuple[tuple[Factor, Term], ...]

    @property
    def text(self) -> str:
        """As code would read."""
        parts = [factor.before(term.text, loose=term.loose) for factor, term in self.terms]
        text = parts[0]
        for part in parts[1:]:
            text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return text

    def factor_of(self, text: str) -> str:
        """The factor of a term as it is told; "" where there is none."""
        return next((factor.text for factor, term in self.terms if term.text == text), "")

    @property
    def cost(self) -> float:
        """How much of it there is."""
        return sum(1 + (f.text not in ("1", "-1")) + 2 * f.found for f, _ in self.terms)

    def change(self, network: Network, rate: float) -> Change:
        """The change that puts it in the place of a value."""

        def changed(value: T, scope: Scope[T]) -> T:
            known = known_at(network, samples(scope), rate)
            ops = scope.ops
            made = [scaled(ops, term.make(scope), factor.of(known)) for factor, term in self.terms]
            made = [ops.charged(each, 2 * len(made)) for each in made]
            return made[0] if len(made) == 1 else ops.add(*made)

        return changed


def combined(
    terms: Sequence[Term],
    computed: Callable[[View], tuple[Values, Values] | None],
    views: Sequence[View],
    scopes: Callable[[View], Scope[T]],
    knowns: Sequence[Mapping[str, float]],
    share: float,
    *,
    pairs: bool = True,
    first: int | None = None,
    partners: Sequence[int] = (),
) -> Iterator[Combined]:
    """What a tensor is a multiple of, or a sum of two multiples.

    ``computed``: what it is at a view, and by how much it may be off; None where it is not shown.
    ``first``: so many terms make pairs with each other, all if it is None; ``partners``: the places
    of those that make pairs with any.
    """
    found = []
    if not terms:
        return
    for view, known in zip(views, knowns, strict=True):
        shown = computed(view)
        if shown is None:
            continue
        actual, allowed = (np.ravel(each).astype(np.float64) for each in shown)
        size = float(np.abs(actual).max(initial=0.0))
        few = np.linspace(0, actual.size - 1, min(actual.size, MOST_ELEMENTS)).astype(np.intp)
        # What is not finite, or of another shape, explains nothing.
        rows, scope = [], scopes(view)
        with np.errstate(all="ignore"):
            for term in terms:
                row = np.ravel(np.asarray(term.make(scope), np.float64))
                fits = row.size == actual.size and np.isfinite(row).all()
                rows.append(row[few] if fits else np.full(len(few), np.nan))
        scale = size or 1.0
        found.append(
            Sample(
                np.stack(rows) / scale, actual[few] / scale, allowed[few] / scale, known, view.alone
            )
        )
    if not found:
        return
    among = (len(terms) if first is None else first) if pairs else 0
    for each in fitting(found, share=share, pairs=among, partners=partners if pairs else ()):
        yield Combined(tuple((factor, terms[index]) for factor, index in each.terms))
