"""At hand: values that code has, beside those that the definition names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.atoms import a_of
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.fault import Place

T = Any
Values = NDArray[np.float64]


def quotient(s: Scope[T], place: Place) -> T:
    """The derivative of a cross-entropy by the probability."""
    a = a_of(s, place)
    rest = s.ops.subtract(s.ops.exact(np.ones(a.shape)), a)
    return s.ops.divide(error(s, place), s.ops.multiply(a, rest))


def raised(ops: Any, value: T, power: int) -> T:
    """A power of a value."""
    found = value
    for _ in range(power - 1):
        found = ops.multiply(found, value)
    return found


def error(s: Scope[T], place: Place) -> T:
    """The last layer's output less the target."""
    return s.ops.subtract(s.values[f"activation/{place.name}"], s.values["targets"])


def data_gradient(s: Scope[T], name: str) -> T:
    """The data's part of a gradient; once the penalties are added, without them."""
    value = s.values[f"data_gradient/{name}"]
    if f"gradient/{name}" in s.values:
        for site in [site for site in s.values if is_penalty(site, name)]:
            value = s.ops.subtract(value, s.values[site])
    return value


def penalty_of(scope: Scope[T], name: str) -> Values | float:
    """What the penalties add to a gradient."""
    return sum(
        (np.asarray(v) for key, v in scope.values.items() if is_penalty(key, name)), start=0.0
    )


def is_penalty(site: str, name: str) -> bool:
    """Whether a site is a penalty's part of that gradient."""
    return site.startswith("penalty_gradient/") and site.endswith(f"/{name}")
