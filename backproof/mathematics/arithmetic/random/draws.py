"""Random numbers: uniform, of mean zero and variance one, cheap enough for every rounding.

Why uniform ones. What is told of an element is its spread over the replicas, so the spread must not
be small by luck. A weighted sum of independent uniform numbers has a density that is largest at 0,
and at variance one no larger than 1/√6 there (Ball, Cube slicing in Rⁿ, Proceedings of the AMS 97,
1986), where that of a Gaussian is 1/√(2π): 0.408 and 0.399. So K replicas are all small by luck at
most (π/3)^(K/2) times as often as Gaussian ones, twice for K = 32. (Signs alone would not do: two
roundings of equal size cancel in every second replica, in all 32 once in 4·10⁹ elements.)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.random.blocks import blocks, scratch

Values = NDArray[np.floating]

# 16 bits a number: k + ½ for k from −2¹⁵ to 2¹⁵ − 1 has the variance 2³²/12, but for 1 in 2³².
ONE = sqrt(12) / 2**16


class Draws:
    """A stream of random numbers, times ``scale``; the same seed gives the same stream."""

    def __init__(self, seed: Sequence[int], scale: float = 1.0) -> None:
        self._bits = np.random.SFC64(list(seed))
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
            drawn, room = scratch(0, part.shape), scratch(1, part.shape)
            integers = self._integers(part.shape)
            absolute = None
            if size is not None:
                absolute = size[rows if len(size) > 1 else slice(None), columns]
            if shared is None and absolute is None:
                np.multiply(integers, self._one * relative, out=drawn)
                drawn *= part
            else:
                np.multiply(integers, self._one, out=drawn)
                if shared is not None:
                    drawn += shared[rows, :1]
                    drawn += np.multiply(np.sign(part, out=room), shared[rows, 1:], out=room)
                amount = absolute
                if relative or amount is None:
                    amount = np.multiply(part, relative, out=room)
                    if absolute is not None:
                        np.abs(amount, out=amount)
                        amount += absolute
                drawn *= amount
            part += drawn

    def each(self, replicas: int, many: int = 1) -> Values:
        """So many numbers for each replica, (replicas, many)."""
        return self._integers((replicas, many)) * self._one

    def _integers(self, shape: tuple[int, ...]) -> NDArray[np.int16]:
        count = shape[0] * shape[1]
        words = np.asarray(self._bits.random_raw(-(-count // 4)))
        return words.view(np.int16)[:count].reshape(shape)
