"""Readings of a node that joins others: what its activation is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.linear import Term, combined
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.network.around import site_of
from backproof.mathematics.network.node import Node

T = Any
Values = NDArray[np.float64]

# A number that happens to equal the rate is told as a number.
RATE = float("nan")


def read_join(target: Target, where: str, views: Sequence[View], share: float) -> Iterator[Reading]:
    """The activation of a node with several inputs, as sums and products of these."""
    node = next(each for each in target.network.nodes if each.name == where)
    name = f"activation/{where}"
    views = [view for view in views if view.shown(name) is not None]
    if not views or len(node.inputs) < 2:
        return
    known = [known_at(target.network, view.samples, RATE) for view in views]

    def computed(view: View) -> tuple[Values, Values] | None:
        shown = view.shown(name)
        return None if shown is None else (shown, view.allowed(name))

    def wanted(view: View) -> tuple[Values, Values]:
        return np.asarray(view.scope.values[name], np.float64), view.allowed(name)

    terms = list(join_terms(node))
    of_definition = combined(terms, wanted, views, lambda v: v.scope, known, share)
    declared = next((each.text for each in of_definition), "what the layer gives")
    for found in combined(terms, computed, views, lambda v: v.scope, known, share):
        told, right = f"what it gives is {found.text}", declared
        if found.text == declared:
            continue
        if found.text in node.inputs and all(one_array(v, name, found.text) for v in views):
            told = (
                f"it and {found.text} are one array, which was changed in place: what is told of "
                f"{found.text}, and kept for its gradients, is the value of {where}"
            )
            right += ", in an array of its own"
        change = found.change(target.network, RATE)
        yield reading(told, where, told, right, {name: change}, 1 + found.cost / 20)


def one_array(view: View, name: str, other: str) -> bool:
    """Whether the very same numbers were given for two nodes."""
    given = view.given.get(site_of(other))
    return given is not None and np.array_equal(given, view.given[name])


def join_terms(node: Node) -> Iterator[Term]:
    """The inputs, all of them together, and their products."""

    def at(name: str) -> Callable[[Scope[T]], T]:
        return lambda s: s.values[site_of(name)]

    for name in node.inputs:
        yield Term(name, at(name))
    if len(node.inputs) > 2:
        for left in node.inputs:
            others = [name for name in node.inputs if name != left]
            yield Term(f"({' + '.join(others)})", added(others))
        yield Term(f"({' + '.join(node.inputs)})", added(node.inputs))
    for one, other in combinations(node.inputs, 2):
        yield Term(
            f"{one} * {other}",
            lambda s, one=one, other=other: s.ops.multiply(at(one)(s), at(other)(s)),  # type: ignore[misc]
        )
        yield Term(
            f"abs({one} - {other})",
            lambda s, one=one, other=other: s.ops.magnitude(  # type: ignore[misc]
                s.ops.subtract(at(one)(s), at(other)(s))
            ),
        )
    for name in node.inputs:
        yield Term(f"{name}**2", lambda s, n=name: s.ops.multiply(at(n)(s), at(n)(s)))  # type: ignore[misc]
        yield Term(f"max({name}, 0)", lambda s, n=name: positive(s, at(n)(s)))  # type: ignore[misc]


def added(names: Sequence[str]) -> Callable[[Scope[T]], T]:
    """Their sum."""

    def made(s: Scope[T]) -> T:
        found = s.values[site_of(names[0])]
        for name in names[1:]:
            found = s.ops.add(found, s.values[site_of(name)])
        return found

    return made


def positive(s: Scope[T], value: T) -> T:
    """Its positive part."""
    return s.ops.scale(s.ops.add(value, s.ops.magnitude(value)), 0.5, roundings=-1)
