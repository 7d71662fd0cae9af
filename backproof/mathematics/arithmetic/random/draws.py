"""Random numbers: uniform, of mean zero and variance one, cheap enough for every rounding.

Why uniform ones. What is told of an element is its spread over the replicas, so the spread must not
be small by luck. A weighted sum of independent uniform numbers has a density that is largest at 0,
and at variance one no larger than 1/√6 there (Ball, Cube slicing in Rⁿ, Proceedings of the AMS 97,
1986), where that of a Gaussian is 1/√(2π): 0.408 and 0.399. So K replicas are all small by luck at
most (π/3)^(K/2) times as often as Gaussian ones, twice for K = 32. (Signs alone would not do: two
roundings of equal size cancel in every second replica, in all 32 once in 4·10⁹ elements.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]

# 16 bits a number: k + ½ for k from −2¹⁵ to 2¹⁵ − 1 has the variance 2³²/12, but for 1 in 2³².
ONE = sqrt(12) / 2**16
# Numbers drawn at a time: with what they disturb, they stay in the processor's cache.
BLOCK = 1 << 15


class Draws:
    """A stream of random numbers, times ``scale``; the same seed gives the same stream."""

    def __init__(self, seed: Sequence[int], scale: float = 1.0) -> None:
        self._generator = np.random.Generator(np.random.SFC64(list(seed)))
        self._one = ONE * scale

    def disturb(
        self, values: Values, size: Values | None, relative: float, shared: Values | None = None
    ) -> None:
        """Add to values (replicas, n) (size + relative·|values|)·(draws + shared), in place.

        ``size``: (replicas or 1, n). ``shared``: (replicas, 2), numbers for all elements of each
        replica: one upwards, one away from 0.
        """
        for rows, columns in blocks(values.shape):
            part = values[rows, columns]
            absolute = None
            if size is not None:
                absolute = size[rows if len(size) > 1 else slice(None), columns]
            drawn = self._numbers(part.shape)
            if shared is not None:
                drawn += shared[rows, :1]
                drawn += shared[rows, 1:] * np.sign(part)
            if relative:
                amount = part * relative
                if absolute is not None:
                    np.abs(amount, out=amount)
                    amount += absolute
                drawn *= amount
            else:
                assert absolute is not None
                drawn *= absolute
            part += drawn

    def each(self, replicas: int, many: int = 1) -> Values:
        """So many numbers for each replica, (replicas, many)."""
        return self._numbers((replicas, many))

    def _numbers(self, shape: tuple[int, ...]) -> Values:
        count = shape[0] * shape[1]
        words = self._generator.integers(0, 2**64, -(-count // 4), np.uint64)
        return words.view(np.int16)[:count].reshape(shape) * self._one


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Parts of an array of two axes, of at most `BLOCK` elements, that cover it."""
    rows, columns = shape
    wide = min(columns, BLOCK)
    tall = max(1, BLOCK // max(1, wide))
    for row in range(0, rows, tall):
        for column in range(0, columns, wide):
            yield slice(row, row + tall), slice(column, column + wide)
