"""Arrays of Arb balls: certified values of any shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import prod

import numpy as np
from flint import arb, arb_mat
from numpy.typing import NDArray


class Certified:
    """An array of Arb balls of any shape, row by row; a matrix of them is made where it multiplies.

    ``rows`` are all axes but the last; a vector is one row, a scalar one element.
    """

    __slots__ = ("_entries", "_matrix", "columns", "rows", "shape")

    def __init__(self, held: list[arb] | arb_mat, shape: tuple[int, ...]) -> None:
        # Either form is made from the other when it is first asked for.
        self._entries = held if isinstance(held, list) else None
        self._matrix = None if isinstance(held, list) else held
        self.shape = shape
        self.columns = shape[-1] if shape else 1
        self.rows = prod(shape[:-1])

    @property
    def entries(self) -> list[arb]:
        """The elements, row by row."""
        if self._entries is None:
            self._entries = self.matrix.entries()
        return self._entries

    @property
    def matrix(self) -> arb_mat:
        """The elements as a matrix of Arb."""
        if self._matrix is None:
            self._matrix = arb_mat(self.rows, self.columns, self.entries)
        return self._matrix

    @property
    def T(self) -> Certified:
        if len(self.shape) > 2:
            return self.at(np.arange(len(self.entries)).reshape(self.shape).T)
        return Certified(self.matrix.transpose(), self.shape[::-1])

    def at(self, index: NDArray[np.intp]) -> Certified:
        """The elements that the index names, counted row by row, in its shape."""
        return Certified([self.entries[i] for i in index.ravel().tolist()], index.shape)

    def map(self, function: Callable[[arb], arb]) -> Certified:
        """The function of every element."""
        return Certified([function(x) for x in self.entries], self.shape)

    def zip(self, function: Callable[[arb, arb], arb], other: Certified) -> Certified:
        """The function of every pair of elements; shapes are equal."""
        assert self.shape == other.shape
        return Certified(
            [function(x, y) for x, y in zip(self.entries, other.entries, strict=True)], self.shape
        )

    def by_row(self, function: Callable[[list[arb]], Iterable[arb]]) -> list[list[arb]]:
        """The function of every row."""
        step = self.columns
        return [
            list(function(self.entries[at : at + step])) for at in range(0, len(self.entries), step)
        ]


def stacked(rows: list[list[arb]]) -> Certified:
    """Rows of equal length as one array."""
    return Certified([x for row in rows for x in row], (len(rows), len(rows[0])))


def spread(b: Certified, shape: tuple[int, ...]) -> Certified:
    """b repeated along the axes that it lacks, as NumPy broadcasts: a vector for each row."""
    if b.shape == shape:
        return b
    return b.at(np.broadcast_to(np.arange(len(b.entries)).reshape(b.shape), shape))


def matrices(a: Certified) -> Iterator[arb_mat]:
    """The matrices that the last two axes are."""
    size = a.shape[-2] * a.shape[-1]
    for start in range(0, len(a.entries), size):
        yield arb_mat(a.shape[-2], a.shape[-1], a.entries[start : start + size])
