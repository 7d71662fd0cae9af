"""How strong a comparison is: the relative error that its radii are sure to catch.

`Difference` defines the three powers. Which elements count for `power_worst` only the largest of
all tells, which is known last: a sample foresees it, so that one pass is enough.
"""

from __future__ import annotations

import math

import numpy as np

from backproof.comparison.kernel.scan import Notable, Scan, unknown_as_infinite
from backproof.comparison.kernel.walk import Floats, Numbers, blocks_of, every

SAMPLE = 65_536  # up to this size the median power is exact, above it a sample of about as many
NOTABLE = 1e-3  # `power_worst` regards elements above this share of the largest: a definition


class Sample:
    """|expected| and half the power, radius / |expected|, of all elements up to SAMPLE of them.

    Above that of about as many at even steps in C order, whatever the layout.
    """

    def __init__(self, expected: Numbers, radius: Numbers) -> None:
        step = max(expected.size // SAMPLE, 1)
        while math.gcd(step, expected.size) > 1:
            step += 1
        self.whole = expected.size <= SAMPLE
        self.magnitude = np.abs(every(step, expected))
        self.halves: Floats = (every(step, radius) if radius.ndim else radius) / self.magnitude

    def foresee(self) -> Notable | None:
        """The largest of all elements is seldom more than twice the largest of a sample.

        None where the sample is everything, and nothing need be foreseen.
        """
        if self.whole:
            return None
        floor = NOTABLE * self.magnitude[self.magnitude < math.inf].max(initial=0.0)
        ceiling = 2.0 * floor
        surely = (self.magnitude > ceiling) & ~np.isnan(self.halves)
        return Notable(floor, ceiling, self.halves[surely].max(initial=0.0))

    def powers(
        self, scan: Scan, arrays: list[Numbers], constant: list[Floats]
    ) -> tuple[float, float, float]:
        """Power, its median and its worst, for a radius that is not 0 everywhere."""
        if scan.largest == 0.0:
            return math.inf, math.inf, math.inf
        threshold = NOTABLE * scan.largest
        magnitude, halves = self.magnitude, self.halves
        if scan.zeros or scan.nonfinite_expected:
            known = (magnitude > 0.0) & (magnitude < math.inf)
            magnitude, halves = magnitude[known], halves[known]
        if math.isinf(scan.largest_radius):
            halves = unknown_as_infinite(halves)
        if scan.notable is None:  # the sample is everything
            worst = np.maximum.reduce(halves[magnitude > threshold])
        else:
            worst = scan.notable.above(threshold)
            if worst is None:
                worst = second_look(threshold, arrays, constant)
        median = math.inf
        if halves.size:
            low, high = (halves.size - 1) // 2, halves.size // 2
            halves.partition((low, high))
            median = float(halves[low] + halves[high])
        return 2.0 * float(scan.largest_radius / scan.largest), median, 2.0 * float(worst)


def second_look(threshold: float, arrays: list[Numbers], constant: list[Floats]) -> float:
    """`power_worst` / 2 once the threshold is known, for what could not be foreseen."""
    notable = Notable(threshold, threshold)
    for _, blocks in blocks_of(arrays):
        _, expected, radius = *blocks, *constant
        magnitude = np.abs(expected)
        notable.take(magnitude, unknown_as_infinite(radius), np.empty_like(magnitude))
    return notable.sure
