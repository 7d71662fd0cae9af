"""The statistics of a comparison, block by block: every one is a maximum or a count.

NaN cannot pass: a block whose largest |actual - expected| is not a finite number is looked at
element by element before anything else is made of it. The heart of this file is `Scan.take`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.kernel.walk import Floats, aligned

CANDIDATES = 2**20  # at most so many are put aside for `Notable`: 16 MiB


class Scan:
    """The running statistics over the blocks taken so far: nothing but maxima and counts."""

    def __init__(self, notable: Notable | None, fortran_shape: tuple[int, ...] | None) -> None:
        self.notable = notable
        self.fortran_shape = fortran_shape
        self.max_abs_diff = self.max_rel_diff = self.largest = self.largest_radius = 0.0
        self.worst = (0.0, 0.0, 0)  # share of the radius, |diff| if that is infinite, -flat index
        self.exceeding = self.zeros = self.nonfinite_actual = self.nonfinite_expected = 0
        self.buffers = np.empty((3, 0))

    def take(
        self, start: int, actual: Floats, expected: Floats, radius: Floats | None = None
    ) -> None:
        """Add the block that begins at flat index `start` of the walk.

        Rounding is monotonic, so max(x) / min(y) as computed is at least every x / y as computed.
        Where that cannot raise a maximum, the division of all elements is left out. And x / y as
        computed is above 1 exactly if x > y: the true quotient of two such floats is more than half
        an ulp above 1.
        """
        size = actual.size
        if size > self.buffers.shape[1]:
            self.buffers = aligned(3, size)
        diff, magnitude, quotient = self.buffers[:, :size]
        np.subtract(actual, expected, out=diff)
        np.abs(diff, out=diff)
        np.abs(expected, out=magnitude)
        widest = np.maximum.reduce(diff)  # NaN if one is
        nonfinite = None
        if not widest < math.inf:
            nonfinite = self._take_nonfinite(actual, expected, diff, magnitude)
            widest = np.maximum.reduce(diff)
        low, high = np.minimum.reduce(magnitude), np.maximum.reduce(magnitude)

        self.max_abs_diff = max(self.max_abs_diff, widest)
        self.largest = max(self.largest, high)
        if low == 0.0:
            self.zeros += int(np.count_nonzero(expected == 0.0))
        if widest > 0.0 and widest / low > self.max_rel_diff:
            np.divide(diff, magnitude, out=quotient)
            self.max_rel_diff = max(self.max_rel_diff, np.fmax.reduce(quotient))  # passes over 0/0

        if radius is None:
            if widest > 0.0:
                self.exceeding += int(np.count_nonzero(diff > 0.0))
                if widest >= self.worst[1]:
                    self._place(start, math.inf, widest, diff == widest)  # x/0 is inf
            return
        low_radius, high_radius = np.minimum.reduce(radius), np.maximum.reduce(radius)
        if not high_radius < math.inf:
            radius = unknown_as_infinite(radius)
            low_radius, high_radius = np.minimum.reduce(radius), np.float64(math.inf)
        if low_radius < 0.0:
            index = self._flat(start, radius == low_radius)
            raise ValueError(f"radius is {low_radius} at flat index {index}: it cannot be negative")
        self.largest_radius = max(self.largest_radius, high_radius)
        if self.notable is not None:
            self.notable.take(magnitude, radius, quotient)
        if widest > 0.0 and not widest / np.abs(low_radius) < min(self.worst[0], 1.0):
            if low_radius == 0.0:
                radius = np.abs(radius, out=quotient)  # -0.0 would make x/0 negative
            if nonfinite is not None:
                radius = np.where(nonfinite, 0.0, radius)
            np.divide(diff, radius, out=quotient)
            share = np.fmax.reduce(quotient)
            if share > 1.0:
                self.exceeding += int(np.count_nonzero(quotient > 1.0))
            if share > 0.0 and share >= self.worst[0]:
                ties, preferred = quotient == share, 0.0
                if math.isinf(share):
                    preferred = diff[ties].max()
                    ties &= diff == preferred
                self._place(start, share, preferred, ties)

    def _take_nonfinite(
        self, actual: Floats, expected: Floats, diff: Floats, magnitude: Floats
    ) -> NDArray[np.bool_]:
        """Count NaN and Inf, make |diff| infinite there, and |expected| 0 where it is unknown.

        Returns where. That may be nowhere: finite numbers can be too far apart for float64.
        """
        bad_actual, bad_expected = ~np.isfinite(actual), ~np.isfinite(expected)
        self.nonfinite_actual += int(np.count_nonzero(bad_actual))
        self.nonfinite_expected += int(np.count_nonzero(bad_expected))
        magnitude[bad_expected] = 0.0
        bad = bad_actual | bad_expected
        diff[bad] = math.inf
        return bad

    def _place(self, start: int, share: float, preferred: float, ties: NDArray[np.bool_]) -> None:
        """Let the first of `ties`, a block's largest share, compete for the worst element."""
        key = (float(share), float(preferred), -self._flat(start, ties))
        self.worst = max(self.worst, key)

    def _flat(self, start: int, ties: NDArray[np.bool_]) -> int:
        """First flat index, in C order of the arrays, of the marked elements of a block."""
        if self.fortran_shape is None:
            return start + int(ties.argmax())
        places = np.unravel_index(start + np.flatnonzero(ties), self.fortran_shape[::-1])
        return int(np.ravel_multi_index(places[::-1], self.fortran_shape).min())


class Notable:
    """Largest radius / |expected| over |expected| > threshold, which only the last block tells.

    It is foreseen to lie between `floor` and `ceiling`. Elements above the ceiling count for
    `sure`; those in between are put aside if they exceed it. Where the threshold is a thousandth of
    the largest element, these are few: 0.4 % of normally distributed numbers at most.
    """

    def __init__(self, floor: float, ceiling: float, sure: float = 0.0) -> None:
        self.floor, self.ceiling, self.sure = floor, ceiling, sure
        self.aside: list[tuple[Floats, Floats]] = []
        self.room = CANDIDATES

    def take(self, magnitude: Floats, radius: Floats, quotient: Floats) -> None:
        """Add a block; `quotient` is a buffer."""
        if self.room < 0:
            return
        np.divide(radius, magnitude, out=quotient)
        if np.fmax.reduce(quotient) > self.sure:
            hits = ((quotient > self.sure) & (magnitude > self.floor)).nonzero()[0]
            sizes, halves = magnitude[hits], quotient[hits]
            above = sizes > self.ceiling
            self.sure = float(halves[above].max(initial=self.sure))
            between = ~above
            self.aside.append((sizes[between], halves[between]))
            self.room -= self.aside[-1][0].size

    def above(self, threshold: float) -> float | None:
        """The largest above this threshold, or None if what was put aside does not tell."""
        if self.room < 0 or not self.floor <= threshold <= self.ceiling:
            return None
        found = (halves[sizes > threshold].max(initial=0.0) for sizes, halves in self.aside)
        return max(self.sure, float(max(found, default=0.0)))


def unknown_as_infinite(values: Floats) -> Floats:
    """Values of which NaN, as nothing is known of it, is infinite."""
    return np.where(np.isnan(values), math.inf, values)
