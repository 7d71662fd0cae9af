"""Sums of squares over replicas, of numbers as small as they come."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.random.blocks import scratch, strips

Values = NDArray[np.floating]

# Below, a sum of squares has lost what underflowed; there it is taken of numbers so much larger.
SMALL, LARGER = 2.0**-900, 2.0**550


class Squares:
    """For each element of an array, the sum of the squares of its deviations so far."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._sum = np.zeros(int(np.prod(shape)))
        self._of_larger: Values | None = None

    def add(self, drawn: Values, middle: Values | None = None) -> None:
        """The squares of drawn − middle, in each replica: drawn is (replicas, *shape).

        As many replicas at a time as a block has elements, at most.
        """
        rows = drawn.reshape(len(drawn), -1)
        center = None if middle is None else middle.reshape(-1)
        for column in strips(rows.shape):
            part = rows[:, column]
            less = 0.0 if center is None else center[column]
            moved = np.subtract(part, less, out=scratch(0, part.shape))
            found = sums_of_squares(moved)
            self._sum[column] += found
            if found.min() >= SMALL:  # false of no number too
                continue
            small = found < SMALL
            if moved[:, small].any():
                if self._of_larger is None:
                    self._of_larger = np.zeros_like(self._sum)
                moved *= LARGER
                self._of_larger[column] += sums_of_squares(moved)

    def root_mean(self, count: int, scale: float = 1.0) -> Values:
        """The root of the mean of so many squares, of deviations times ``scale``."""
        root = np.sqrt(self._sum)
        if self._of_larger is not None:
            small = self._sum < SMALL
            root[small] = np.sqrt(self._of_larger[small]) / LARGER
        root *= scale / sqrt(count)
        return root.reshape(self.shape)


def sums_of_squares(rows: Values) -> Values:
    """The sum over the rows of the square of each element, by a product with ones."""
    return np.asarray(np.ones(len(rows)) @ np.square(rows, out=scratch(1, rows.shape)))
