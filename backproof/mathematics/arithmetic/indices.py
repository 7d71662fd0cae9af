"""Indices: inputs that count things, as tokens do, held in arrays of numbers like all others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of the golden ratio: its multiples lie evenly between whole numbers.
GOLDEN = (5**0.5 - 1) / 2


def are_indices(given: NDArray[Any], below: int) -> NDArray[np.bool_]:
    """Which elements are whole numbers from 0 to ``below`` − 1."""
    return np.asarray((given >= 0) & (given < below) & (given == np.floor(given)))


def indices(given: NDArray[Any], below: int) -> NDArray[np.intp]:
    """The indices that an array holds; what is none is spread over all of them.

    Data are refused where they are no indices. What a probe draws, or a fault makes of them, is
    not: it becomes one, always the same.
    """
    wide = given.astype(np.float64)
    spread = np.floor((np.abs(wide) * GOLDEN) % 1 * below)
    return np.asarray(np.where(are_indices(wide, below), wide, spread).astype(np.intp) % below)
