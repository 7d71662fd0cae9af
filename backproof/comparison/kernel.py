"""The comparison kernel: every number that is said about two arrays, in one pass over them.

Whole-array NumPy (`abs(a - e).max()`, `assert_allclose`) writes and reads back a temporary of the
array's size for each operation, and that traffic is what takes the time. Here the arrays go by in
blocks; a block and its scratch buffers stay in the cache while every statistic is taken from it.

NaN cannot pass: a block whose largest |actual - expected| is not a finite number is looked at
element by element before anything else is made of it. The heart of this file is `_Scan.take`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[Any]  # float16, float32, float64, integers or bool

BLOCK = 16_384  # elements: three arrays and three buffers of it (768 KiB) fit into a usual L2 cache
SAMPLE = 65_536  # up to this size the median power is exact, above it a sample of about as many
NOTABLE = 1e-3  # `power_worst` regards elements above this share of the largest: a definition
CANDIDATES = 2**20  # at most so many are put aside for `power_worst`: 16 MiB
EXACT = 2**53  # float64 holds every integer up to here


@dataclass(frozen=True, slots=True)
class Difference:
    """What `difference` found.

    An element is *non-finite* if `actual` or `expected` is NaN or infinite there. Its |diff|, its
    relative difference and its share of the radius count as infinite, even where both are alike.
    A NaN in the radius counts as infinite: nothing is known about that element. So no field is
    ever NaN, except `actual` and `expected` where they quote one.
    """

    size: int
    """Number of elements compared, at least 1."""
    max_abs_diff: float
    """Largest |actual - expected|."""
    max_rel_diff: float
    """Largest |actual - expected| / |expected|, where 0/0 is 0 and x/0 is inf."""
    worst: int
    """Flat index (C order) of the largest |diff| / radius, where 0/0 is 0 and x/0 is inf; the first
    of equals, but among infinite ones that of the largest |diff| (so always without a radius)."""
    actual: float
    """Value of `actual` at `worst`."""
    expected: float
    """Value of `expected` at `worst`."""
    bound: float
    """Radius at `worst`: the |diff| that was allowed there."""
    bound_used: float
    """Largest |diff| / radius. Above 1 exactly where `exceeding` is above 0."""
    exceeding: int
    """Number of elements with |diff| > radius, and of non-finite ones whatever their radius."""
    largest: float
    """Largest finite |expected|; 0 if there is none."""
    zeros: int
    """Number of exact zeros in `expected`."""
    power: float
    """2 max(radius) / largest: any error of that size, relative to the largest element, is sure to
    be caught. 0 if the radius is 0 everywhere; inf if it is not and `largest` is 0."""
    power_median: float
    """Median of 2 radius / |expected| over elements whose `expected` is finite and not 0; if there
    are none, 0 or inf by the rule of `power`. Exact up to 65,536 elements; above that it is taken
    over about as many at even steps. The step has no divisor in common with the size, therefore
    none with the last dimension (nor any other): every column takes part."""
    power_worst: float
    """Largest 2 radius / |expected| over elements with finite |expected| > 1e-3 `largest`; if there
    are none, 0 or inf by the rule of `power`."""
    nonfinite_actual: int
    """Number of NaN and infinite elements in `actual`."""
    nonfinite_expected: int
    """Number of NaN and infinite elements in `expected`."""


def difference(
    actual: Numbers, expected: Numbers, radius: Numbers | float | None = None
) -> Difference:
    """Compare two arrays element by element and say how far apart they are.

    `actual` and `expected` have one shape, any memory layout, and a dtype that float64 can hold:
    float16, float32, float64, bool, or integers up to 2**53. All arithmetic is float64. `radius` is
    what |actual - expected| may be: an array of the same shape, one number for all elements, or
    None for 0. Extra memory is a few megabytes, 20 at most, whatever the size of the arrays.

    Raises ValueError if shapes differ (nothing is broadcast), if nothing is compared (size 0), if a
    radius is negative or an integer is beyond 2**53; TypeError for any other dtype.
    """
    actual, expected = _numbers("actual", actual), _numbers("expected", expected)
    shape = actual.shape
    if shape != expected.shape:
        raise ValueError(
            f"actual has shape {shape}, expected has shape {expected.shape}: "
            "reshape or transpose one of them explicitly, shapes are never broadcast"
        )
    if not actual.size:
        raise ValueError(f"nothing compared: actual and expected of shape {shape} have no elements")
    walk = [actual, expected]
    constant: list[Floats] = []  # a radius for all elements, in every block an array of one
    if radius is not None:
        radius = _numbers("radius", radius)
        if radius.ndim and radius.shape != shape:
            raise ValueError(
                f"radius has shape {radius.shape}, actual and expected have shape {shape}: "
                "pass one radius for each element, or one number for all"
            )
        if radius.ndim:
            walk.append(radius)
        else:
            constant = [radius.astype(np.float64).reshape(1)]

    # Reversing the axes of Fortran arrays gives C arrays: the same walk, only indices need care.
    fortran = not actual.flags.c_contiguous and all(array.flags.f_contiguous for array in walk)
    if fortran:
        walk = [array.T for array in walk]
    with np.errstate(all="ignore"):  # x/0 and 0/0 are meant, see Difference
        sample = None if radius is None else _Sample(expected, radius)
        notable = sample.foresee() if sample and actual.size > SAMPLE else None
        scan = _Scan(notable, shape if fortran else None)
        for start, blocks in _blocks(walk):
            scan.take(start, *blocks, *constant)
        power, median, worst = 0.0, 0.0, 0.0
        if sample and scan.largest_radius > 0.0:
            power, median, worst = sample.powers(scan, walk, constant)

    share, _, index = scan.worst
    index = -index
    bound = 0.0 if radius is None else float(radius.item(index if radius.ndim else 0))
    return Difference(
        size=actual.size,
        max_abs_diff=float(scan.max_abs_diff),
        max_rel_diff=float(scan.max_rel_diff),
        worst=index,
        actual=float(actual.item(index)),
        expected=float(expected.item(index)),
        bound=math.inf if math.isnan(bound) else bound,
        bound_used=share,
        exceeding=scan.exceeding,
        largest=float(scan.largest),
        zeros=scan.zeros,
        power=power,
        power_median=median,
        power_worst=worst,
        nonfinite_actual=scan.nonfinite_actual,
        nonfinite_expected=scan.nonfinite_expected,
    )


def _numbers(name: str, values: Any) -> Numbers:
    """`values` as an array whose every element float64 can hold exactly."""
    array = np.asarray(values)
    kind, bytes_each = array.dtype.kind, array.dtype.itemsize
    if kind not in "fiub" or bytes_each > 8:
        raise TypeError(
            f"{name} has dtype {array.dtype}, which float64 cannot hold: "
            "convert it to float64, float32, float16, bool or an integer type"
        )
    if kind in "iu" and bytes_each == 8 and array.size:
        low, high = int(array.min()), int(array.max())
        if max(-low, high) > EXACT:
            raise ValueError(
                f"{name} holds integers from {low} to {high}: beyond 2**53 neighbours become equal "
                "in float64; compare such integers with ==, or their differences from a common base"
            )
    return array


def _blocks(arrays: list[Numbers]) -> Iterator[tuple[int, tuple[Floats, ...]]]:
    """Yield (flat index, blocks) of at most BLOCK elements in C order.

    Blocks are views where the memory allows it; otherwise (other dtypes, strides) NumPy's iterator
    fills buffers, which the next block overwrites.
    """
    start = 0
    for blocks in np.nditer(
        arrays,
        flags=["external_loop", "buffered"],
        op_dtypes=[np.float64] * len(arrays),
        order="C",
        buffersize=BLOCK,
    ):
        yield start, blocks
        start += blocks[0].size


class _Scan:
    """The running statistics over the blocks taken so far: nothing but maxima and counts."""

    def __init__(self, notable: _Notable | None, fortran_shape: tuple[int, ...] | None) -> None:
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
            self.buffers = _aligned(3, size)
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
            radius = _unknown_as_infinite(radius)
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


class _Notable:
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


class _Sample:
    """|expected| and half the power, radius / |expected|, of all elements up to SAMPLE of them.

    Above that of about as many at even steps in C order, whatever the layout.
    """

    def __init__(self, expected: Numbers, radius: Numbers) -> None:
        step = max(expected.size // SAMPLE, 1)
        while math.gcd(step, expected.size) > 1:
            step += 1
        self.magnitude = np.abs(_every(step, expected))
        self.halves: Floats = (_every(step, radius) if radius.ndim else radius) / self.magnitude

    def foresee(self) -> _Notable:
        """The largest of all elements is seldom more than twice the largest of a sample."""
        floor = NOTABLE * self.magnitude[self.magnitude < math.inf].max(initial=0.0)
        ceiling = 2.0 * floor
        surely = (self.magnitude > ceiling) & ~np.isnan(self.halves)
        return _Notable(floor, ceiling, self.halves[surely].max(initial=0.0))

    def powers(
        self, scan: _Scan, walk: list[Numbers], constant: list[Floats]
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
            halves = _unknown_as_infinite(halves)
        if scan.notable is None:  # the sample is everything
            worst = np.maximum.reduce(halves[magnitude > threshold])
        else:
            worst = scan.notable.above(threshold)
            if worst is None:
                worst = _second_look(threshold, walk, constant)
        median = math.inf
        if halves.size:
            low, high = (halves.size - 1) // 2, halves.size // 2
            halves.partition((low, high))
            median = float(halves[low] + halves[high])
        return 2.0 * float(scan.largest_radius / scan.largest), median, 2.0 * float(worst)


def _second_look(threshold: float, walk: list[Numbers], constant: list[Floats]) -> float:
    """`power_worst` / 2 once the threshold is known, for what could not be foreseen."""
    notable = _Notable(threshold, threshold)
    for _, blocks in _blocks(walk):
        _, expected, radius = *blocks, *constant
        magnitude = np.abs(expected)
        notable.take(magnitude, _unknown_as_infinite(radius), np.empty_like(magnitude))
    return notable.sure


def _unknown_as_infinite(values: Floats) -> Floats:
    return np.where(np.isnan(values), math.inf, values)


def _every(step: int, array: Numbers) -> Floats:
    """Every step-th element in C order, without a copy of the whole array."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.flat
    return flat[::step].astype(np.float64, copy=False)


def _aligned(rows: int, size: int) -> Floats:
    """Uninitialized rows that begin on cache lines: NumPy writes twice as fast to these."""
    width = -(-size // 8) * 8
    memory = np.empty(rows * width + 8)
    skip = -memory.ctypes.data % 64 // 8
    return memory[skip : skip + rows * width].reshape(rows, width)
