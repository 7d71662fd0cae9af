"""Readings of what is kept in fewer digits for the backward pass: activations in float16, say.

In exact arithmetic it is right; so no bound is derived for it, and it is known by the numbers that
it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.at_hand import penalty_of
from backproof.comparison.diagnosis.reading import FAMILY, Reading
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Fault, Kind, Target
from backproof.mathematics.faults.changes import arriving
from backproof.mathematics.faults.fault import Change, Place

Values = NDArray[np.float64]
Lower = Callable[[Any], Any]
# A deviation beyond this share of the largest element is no rounding.
MOST = 0.02


def held_in(kind: type[np.floating]) -> Lower:
    """As another dtype, in which the next operations are made, too."""
    return lambda x: np.asarray(x).astype(kind)


ROUNDED: dict[str, Lower] = {
    "in float16": held_in(np.float16),
    "in float32": held_in(np.float32),
    **{f"rounded to {k} decimals": partial(np.round, decimals=k) for k in range(1, 9)},
}
SLOPES: dict[str, Callable[[Any], Any]] = {
    "tanh": lambda a: 1 - a**2,
    "sigmoid": lambda a: a * (1 - a),
    "relu": lambda a: a > 0,
}


def read_rounded(target: Target, place: Place, views: Sequence[View]) -> Iterator[Reading]:
    """The input of a kernel's gradient, or what a slope is taken of, in fewer digits."""
    kernel, bias = f"gradient/{place.kernel}", f"gradient/{place.bias}"
    for told, lower in ROUNDED.items():
        product = partial(of_input, place=place, lower=lower)
        if fits(views, kernel, partial(product, None), place.kernel):
            yield numerical(
                f"input {told}",
                place.name,
                f"the gradient of the kernel takes the layer's inputs {told}",
                "x as it was in the forward pass",
                {f"data_gradient/{place.kernel}": product},
            )
        if place.f.name not in SLOPES:
            continue
        delta = partial(of_slope, place=place, lower=lower)
        by = bias if place.unitwise else kernel
        made = partial(summed, place=place, delta=delta, by_bias=place.unitwise)
        if fits(views, by, made, by.partition("/")[2]):
            yield numerical(
                f"slope {told}",
                place.name,
                f"the slope is taken of activations {told}",
                "a as it was in the forward pass",
                {f"delta/{place.name}": delta},
            )


def of_input(value: Any, scope: Scope[Any], place: Place, lower: Lower) -> Any:
    """xᵀδ with x in fewer digits."""
    x, delta = scope.values[place.incoming], scope.values[f"delta/{place.name}"]
    return lower(x).T.astype(x.dtype) @ delta


def of_slope(value: Any, scope: Scope[Any], place: Place, lower: Lower) -> Any:
    """The delta by the slope of an activation in fewer digits."""
    a = scope.values[f"activation/{place.name}"]
    return arriving(scope, place.name) * SLOPES[place.f.name](lower(a)).astype(a.dtype)


def summed(scope: Scope[Any], place: Place, delta: Change, *, by_bias: bool) -> Any:
    """A gradient of another delta."""
    made = delta(None, scope)
    return made.sum(axis=0) if by_bias else np.asarray(scope.values[place.incoming]).T @ made


def fits(
    views: Sequence[View], name: str, make: Callable[[Scope[Any]], Any], parameter: str
) -> bool:
    """Whether a gradient is that, at all points, and not what it should be."""
    off = False
    for view in views:
        shown = view.shown(name)
        if shown is None:
            return False
        right = np.asarray(view.results[name], np.float64)
        allowed = view.allowed(name)
        if (np.abs(shown - right) > MOST * np.abs(right).max()).any():
            return False
        off |= bool((np.abs(shown - right) > allowed).any())
        made = np.asarray(make(view.scope), np.float64) + penalty_of(view.scope, parameter)
        if (np.abs(shown - made) > allowed).any():
            return False
    return off


def numerical(
    name: str, where: str, sentence: str, formula: str, changes: Mapping[str, Change]
) -> Reading:
    """A mistake that floating point alone shows."""
    fault = Fault(FAMILY, name, Kind.NUMERICAL, sentence, formula, lambda of: iter(()))
    return Reading(fault, where, changes, cost=1.1)
