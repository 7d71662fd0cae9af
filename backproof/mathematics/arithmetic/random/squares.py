"""Sums of squares over replicas, of numbers as small as they come."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.random.draws import blocks

Values = NDArray[np.floating]

# Below, a sum of squares has lost what underflowed; there it is taken of numbers so much larger.
SMALL, LARGER = 2.0**-900, 2.0**550


class Squares:
    """For each element of an array, the sum of the squares of its deviations so far."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._sum = np.zeros(int(np.prod(shape)))
        self._of_larger: Values | None = None

    def add(self, drawn: Values, middle: Values | float = 0.0, scale: float = 1.0) -> None:
        """The squares of (drawn − middle)·scale, in each replica: drawn is (replicas, *shape)."""
        rows = drawn.reshape(len(drawn), -1)
        center = np.broadcast_to(middle, self.shape).reshape(-1)
        for row, column in blocks(rows.shape):
            moved = rows[row, column] - center[column]
            moved *= scale
            found = np.square(moved).sum(axis=0)
            self._sum[column] += found
            small = found < SMALL
            if small.any() and moved[:, small].any():
                if self._of_larger is None:
                    self._of_larger = np.zeros_like(self._sum)
                moved *= LARGER
                self._of_larger[column] += np.square(moved).sum(axis=0)

    def root_mean(self, count: int) -> Values:
        """The root of the mean of so many squares."""
        root = np.sqrt(self._sum)
        if self._of_larger is not None:
            small = self._sum < SMALL
            root[small] = np.sqrt(self._of_larger[small]) / LARGER
        return root.reshape(self.shape) / sqrt(count)
