"""Readings of an activation that lost its digits: rounded, or held in a narrower dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.reading import FAMILY, Reading
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.faults import Fault, Kind
from backproof.mathematics.faults.fault import Change, Place

Values = NDArray[np.float64]
Lose = Callable[[Values], Values]

# Where a number lies between two, another rounding before may decide: of so few elements.
DECIDED = 0.98


def in_float16(x: Values) -> Values:
    """Through half precision; of a larger range than its own, as a scaled number has it."""
    with np.errstate(all="ignore"):
        return x.astype(np.float16).astype(x.dtype)


DIGITS: dict[str, Lose] = {
    **{f"round({{}}, {d})": lambda x, d=d: np.round(x, d) for d in range(11)},  # type: ignore[misc]
    "float16({})": in_float16,
    "float32({})": lambda x: x.astype(np.float32).astype(x.dtype),
    "1000 * float16({} / 1000)": lambda x: 1000 * in_float16(x / 1000),
    "round({} * 128) / 128": lambda x: np.round(x * 128) / 128,
    "round({} * 127) / 127": lambda x: np.round(x * 127) / 127,
    "round({} * 255) / 255": lambda x: np.round(x * 255) / 255,
    "round({} * 256) / 256": lambda x: np.round(x * 256) / 256,
    "trunc({})": np.trunc,
    "floor({})": np.floor,
    "({} > 0.5)": lambda x: (x > 0.5).astype(x.dtype),
    "({} > 0)": lambda x: (x > 0).astype(x.dtype),
    "sign({})": np.sign,
}


def read_digits(place: Place, views: Sequence[View]) -> Iterator[Reading]:
    """The right activation, rounded, or the right function of a rounded pre-activation."""
    name = f"activation/{place.name}"
    views = [view for view in views if view.shown(name) is not None]
    if not views:
        return
    for text, lose in DIGITS.items():
        if all(agrees(lose(right_a(view, place)), view, name) for view in views):
            yield lost(place, text, lose)
            return


def right_a(view: View, place: Place) -> Values:
    """What the activation should be."""
    return np.asarray(view.scope.values[f"activation/{place.name}"], np.float64)


def agrees(made: Values, view: View, name: str) -> bool:
    """Whether it is what was computed, but where a rounding before decides."""
    shown = view.shown(name)
    assert shown is not None
    return float(np.mean(np.abs(made - shown) <= view.allowed(name))) >= DECIDED


def lost(place: Place, text: str, lose: Lose) -> Reading:
    """The mistake: to be seen in floating point alone."""
    f = f"{place.f.name}(z)"

    def changed(value: Any, scope: Any) -> Any:
        return lose(value)

    changes: dict[str, Change] = {f"activation/{place.name}": changed}
    told = f"the activation is {text.format(f)}"
    fault = Fault(FAMILY, told, Kind.NUMERICAL, told, f, lambda of: iter(()))
    return Reading(fault, place.name, changes, cost=1.1)
