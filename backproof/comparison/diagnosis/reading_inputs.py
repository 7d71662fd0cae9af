"""Readings of the gradient by the inputs: what code hands on to the layer below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.linear import Term, combined
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.network.around import COTANGENT
from backproof.mathematics.network.node import INPUTS
from backproof.mathematics.network.quantities import INPUT_GRADIENT

T = Any
Values = NDArray[np.float64]
RIGHT = f"back/{INPUTS}"
# No rate is among the numbers that a backward pass has.
RATE = float("nan")


def read_inputs(target: Target, views: Sequence[View], share: float) -> Iterator[Reading]:
    """The gradient by the inputs, as sums and products of what code has there."""
    views = [view for view in views if view.shown(INPUT_GRADIENT) is not None]
    if not views:
        return
    known = [known_at(target.network, view.samples, RATE) for view in views]

    def computed(view: View) -> tuple[Values, Values] | None:
        shown = view.shown(INPUT_GRADIENT)
        return None if shown is None else (shown, view.allowed(INPUT_GRADIENT))

    terms = [each for each in terms_of(target) if all(fits(each, view) for view in views)]
    for found in combined(terms, computed, views, lambda v: v.scope, known, share):
        told = f"the gradient by the inputs is {found.text}"
        change = found.change(target.network, RATE)
        right = "∂L/∂x, the transpose of the layer's Jacobian times what arrives"
        yield reading(told, INPUTS, told, right, {INPUT_GRADIENT: change}, 1 + found.cost / 20)


def fits(term: Term, view: View) -> bool:
    """Whether it is there, in the shape of the inputs."""
    try:
        with np.errstate(all="ignore"):
            made = term.make(view.scope)
    except (KeyError, ValueError):  # no such site; shapes that do not go together
        return False
    return bool(np.shape(made) == np.shape(view.scope.values[RIGHT]))


def terms_of(target: Target) -> Iterator[Term]:
    """The right one, what arrives at the nodes that take the inputs, and what follows from it."""
    yield Term("dx", at(RIGHT))
    yield Term("x", at(INPUTS))
    network = target.network
    for node in network.consumers[INPUTS]:
        arriving = COTANGENT if node is network.last else f"back/{node.name}"
        sites = {f"dout of {node.name}": arriving, f"delta of {node.name}": f"delta/{node.name}"}
        for text, site in sites.items():
            yield Term(text, at(site))
            yield Term(f"{text} * x", times_inputs(site))
            for own, use in network.uses[node.name].items():
                if len(network.parameters[use.parameter].shape) == 2:
                    yield Term(f"{text} @ {own}", through(site, use.parameter))
                    yield Term(f"{text} @ {own}.T", through(site, use.parameter, turned=True))


def at(site: str) -> Callable[[Scope[T]], T]:
    """What is at a site."""
    return lambda s: s.values[site]


def times_inputs(site: str) -> Callable[[Scope[T]], T]:
    """What is at a site, times the inputs."""
    return lambda s: s.ops.multiply(s.values[site], s.values[INPUTS])


def through(site: str, parameter: str, *, turned: bool = False) -> Callable[[Scope[T]], T]:
    """What is at a site, times a matrix."""

    def made(s: Scope[T]) -> T:
        matrix = s.ops.exact(s.parameters[parameter])
        return s.ops.matmul(s.values[site], s.ops.transpose(matrix) if turned else matrix)

    return made
