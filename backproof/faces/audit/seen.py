"""What one comparison within a tolerance saw, and what it would have let through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.bound import WEAKEST_POWER
from backproof.implementations.subject.arrays import as_numpy

Values = NDArray[np.floating]
ITSELF = "an array is compared with itself"


@dataclass(frozen=True)
class Tolerance:
    """What a comparison allows: |actual − expected| ≤ max or sum of ``absolute``, ``relative``.

    ``relative`` is taken of |expected|; ``larger``: the larger of the two counts, not their sum.
    ``nan``: whether NaN equals NaN. ``told``: as its caller has written it.
    """

    absolute: float
    relative: float
    told: str
    nan: bool = False
    larger: bool = False

    def allowed(self, expected: Values) -> Values:
        """The most that each element may differ."""
        relative = self.relative * np.abs(expected)
        if self.larger:
            return np.maximum(relative, self.absolute)
        return relative + self.absolute


@dataclass(frozen=True)
class Seen:
    """What one call comes to.

    ``sure``: the smallest error in one element that is sure to be noticed, as a share of the
    largest element; ``gap``: the largest difference there was, likewise; ``unit``: the unit
    roundoff of what was compared. ``oddities``: why it could not see much; ``void``: whether
    they leave nothing to see. ``planted``: the errors that were planted, and passed.
    """

    sure: float
    gap: float
    unit: float
    oddities: tuple[str, ...]
    planted: tuple[str, ...]
    void: bool = False

    @property
    def blind(self) -> bool:
        """Whether an error of an eighth of the largest element could pass, or any at all."""
        return self.void or not self.sure <= WEAKEST_POWER

    @property
    def weak(self) -> bool:
        """Whether half of the digits that there are could be wrong."""
        return bool(self.oddities) or not self.sure <= float(np.sqrt(self.unit))


def look(given: Any, wanted: Any, tolerance: Tolerance) -> Seen | None:
    """What a comparison sees; None of what holds no numbers, or is not there yet (a tracer)."""
    try:
        actual, expected = as_numpy(given), as_numpy(wanted)
    except Exception:  # whatever an object raises that is asked for its numbers: it has none
        return None
    if any(each.dtype.kind not in "fiub" for each in (actual, expected)):
        return None
    unit = max((roundoff(each) for each in (actual, expected)), default=0.0)
    oddities = list(odd(given, wanted, actual, expected))
    try:
        actual, expected = np.broadcast_arrays(
            actual.astype(np.float64), expected.astype(np.float64)
        )
    except ValueError:  # the comparison says so itself
        return None
    if not actual.size:
        return Seen(0.0, 0.0, unit, ("both are empty",), (), void=True)
    both = np.isnan(actual) & np.isnan(expected)
    if both.any() and tolerance.nan:
        oddities.append(f"NaN is taken as equal, in {int(both.sum())} of {actual.size} elements")
    finite = np.isfinite(actual) & np.isfinite(expected)
    if not finite.any():
        return Seen(0.0, 0.0, unit, tuple(oddities) or ("nothing is finite",), (), void=True)
    actual, expected = actual[finite], expected[finite]
    allowed = tolerance.allowed(expected)
    largest = float(np.abs(expected).max())
    if not largest and not actual.any():
        return Seen(0.0, 0.0, unit, (*oddities, "zeros against zeros"), (), void=True)
    gaps = np.abs(actual - expected)
    scale = largest or float(np.abs(actual).max()) or 1.0
    passes = bool((gaps <= allowed).all())
    # An error may go against the difference that is there; one that failed was seen.
    unseen = allowed + gaps if passes else allowed
    return Seen(
        float(unseen.max()) / scale,
        float(gaps.max()) / scale,
        unit,
        tuple(oddities),
        tuple(passing(actual, expected, tolerance)) if passes else (),
        void=ITSELF in oddities,
    )


def roundoff(array: NDArray[Any]) -> float:
    """The unit roundoff of an array; 0 of whole numbers."""
    return float(np.finfo(array.dtype).eps) / 2 if array.dtype.kind == "f" else 0.0


def odd(given: Any, wanted: Any, actual: NDArray[Any], expected: NDArray[Any]) -> list[str]:
    """Why a comparison sees less than it seems to, whatever its tolerance."""
    found = []
    if actual.ndim and (given is wanted or overlapping(actual, expected)):
        found.append(ITSELF)
    if actual.shape != expected.shape and actual.ndim and expected.ndim:
        found.append(f"shapes {actual.shape} and {expected.shape} are broadcast")
    if expected.size > 1 and actual.size > 1:
        alike = [each.size and (each == each.flat[0]).all() for each in (actual, expected)]
        if all(alike) and expected.any():
            found.append("every element is the same number")
    return found


def overlapping(actual: NDArray[Any], expected: NDArray[Any]) -> bool:
    """Whether they are one piece of memory, seen alike."""
    same = actual.__array_interface__["data"][0] == expected.__array_interface__["data"][0]
    return same and actual.shape == expected.shape and actual.strides == expected.strides


def passing(actual: Values, expected: Values, tolerance: Tolerance) -> list[str]:
    """The planted errors that would have passed."""
    largest, sizes = int(np.abs(expected).argmax()), np.abs(actual)
    seen = sizes[sizes > 0]
    least = int(np.where(sizes > 0, sizes, np.inf).argmin()) if seen.size else 0
    plants: dict[str, tuple[int, Callable[[float], float]]] = {
        "the largest element with the other sign": (largest, lambda a: -a),
        "the largest element 1 % off": (largest, lambda a: 1.01 * a),
        "the smallest element missing": (least, lambda a: 0.0),
    }
    found = []
    for told, (at, change) in plants.items():
        value = change(float(actual[at]))
        allowed = float(tolerance.allowed(expected[at : at + 1])[0])
        if value != actual[at] and abs(value - float(expected[at])) <= allowed:
            found.append(told)
    return found
