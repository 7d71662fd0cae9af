"""Arrays as JSON has them: nested lists of numbers, for programs that speak nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.implementations.protocol import Tensors
from backproof.mathematics.checking import quoted
from backproof.mathematics.errors import EvaluationError

# What JSON has no number for.
UNUSUAL = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
COUNTS = "parameter_count"


def as_lists(tensors: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Each array as nested lists, its digits all there; what is no number as a text."""
    return {name: in_json(np.asarray(array)) for name, array in tensors.items()}


def in_json(array: NDArray[Any]) -> Any:
    """One array; a scalar as a number."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    texts = {repr(value): name for name, value in UNUSUAL.items()}

    def told(value: Any) -> Any:
        return (
            [told(each) for each in value]
            if isinstance(value, list)
            else texts.get(repr(value), value)
        )

    return told(array.tolist())


def arrays_of(given: object, dtype: str) -> Tensors:
    """The arrays that a program has answered with, in the dtype of the run.

    ``null`` is what JavaScript writes for what is no number. Raises `EvaluationError` for anything
    but numbers or lists of them by name.
    """
    if not isinstance(given, dict):
        raise EvaluationError(
            'the program answered without "results"; give an object of numbers and lists by name'
        )
    return {name: array_of(name, value, dtype) for name, value in given.items()}


def array_of(name: str, value: Any, dtype: str) -> NDArray[Any]:
    """One array; counts are whole numbers."""
    try:
        found = np.array(value)
        if found.dtype.kind in "OU":
            found = np.array(with_numbers(value), dtype=np.float64)
    except (ValueError, TypeError, KeyError) as error:
        raise EvaluationError(
            f"the program gave {quoted(name)} as no array ({error}); give a number, or lists of "
            "numbers that are all as long"
        ) from error
    if found.dtype.kind not in "iuf":
        odd = repr(found.flat[0])
        raise EvaluationError(f"the program gave {quoted(name)} with {odd}; give numbers")
    if name.startswith(COUNTS):
        return found.astype(np.int64) if found.dtype.kind == "f" and integral(found) else found
    return found.astype(dtype)


def with_numbers(value: Any) -> Any:
    """Nested lists in which null and the texts are what they stand for."""
    if isinstance(value, list):
        return [with_numbers(each) for each in value]
    if value is None:
        return np.nan
    return UNUSUAL[value] if isinstance(value, str) else value


def integral(array: NDArray[Any]) -> bool:
    """Whether all numbers are whole."""
    return bool((array == np.floor(array)).all())
