"""Work through large arrays in blocks that the processor's cache holds, in memory that is reused.

An array that is made and thrown away for each operation costs more than the operation: its pages
are asked of the system, cleared and given back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]

# Elements of a block.
BLOCK = 1 << 15
SCRATCHES = 2


class Scratches(threading.local):
    """Each thread's own arrays of a block."""

    def __init__(self) -> None:
        self.arrays = [np.empty(BLOCK) for _ in range(SCRATCHES)]


_scratches = Scratches()


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Parts of an array of two axes, of at most `BLOCK` elements, that cover it."""
    rows, columns = shape
    wide = min(columns, BLOCK)
    tall = max(1, BLOCK // max(1, wide))
    for row in range(0, rows, tall):
        for column in range(0, columns, wide):
            yield slice(row, row + tall), slice(column, column + wide)


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """The columns of such parts that have all rows of an array of two axes, if these fit."""
    rows, columns = shape
    wide = max(1, BLOCK // max(1, rows))
    for column in range(0, columns, wide):
        yield slice(column, column + wide)


def scratch(which: int, shape: tuple[int, ...]) -> Values:
    """An array to write to, of the shape of a block; its next use overwrites it."""
    return _scratches.arrays[which][: shape[0] * shape[1]].reshape(shape)
