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
    None for 0. Extra memory is a few megabytes, whatever the size of the arrays.

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
    arrays = [actual, expected]
    if radius is not None:
        radius = _numbers("radius", radius)
        if radius.ndim and radius.shape != shape:
            raise ValueError(
                f"radius has shape {radius.shape}, actual and expected have shape {shape}: "
                "pass one radius for each element, or one number for all"
            )
        arrays.append(radius)

    # Reversing the axes of Fortran arrays gives C arrays: the same walk, only indices need care.
    fortran = not actual.flags.c_contiguous and all(x.flags.f_contiguous for x in arrays)
    walk = [array if array.ndim else np.broadcast_to(array, shape) for array in arrays]
    if fortran:
        walk = [array.T for array in walk]
    with np.errstate(all="ignore"):  # x/0 and 0/0 are meant, see Difference
        notable = _foreseen(expected) if radius is not None and actual.size > SAMPLE else None
        scan = _Scan(notable, shape if fortran else None)
        start = 0
        for block in _blocks(walk):
            scan.take(start, *block)
            start += len(block[0])
        power, median, worst = 0.0, 0.0, 0.0
        if radius is not None and scan.largest_radius > 0.0:
            power, median, worst = _powers(scan, expected, radius, walk[1:])

    share, _, index = scan.worst
    bound = 0.0 if radius is None else float(radius.item(-index if radius.ndim else 0))
    return Difference(
        size=actual.size,
        max_abs_diff=float(scan.max_abs_diff),
        max_rel_diff=float(scan.max_rel_diff),
        worst=-index,
        actual=float(actual.item(-index)),
        expected=float(expected.item(-index)),
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


def _blocks(arrays: list[Numbers]) -> Iterator[tuple[Floats, ...]]:
    """Yield blocks of at most BLOCK elements in C order.

    Blocks are views where the memory allows it; otherwise (other dtypes, strides) NumPy's iterator
    fills buffers, which the next block overwrites.
    """
    return iter(
        np.nditer(
            arrays,
            flags=["external_loop", "buffered"],
            op_dtypes=[np.float64] * len(arrays),
            order="C",
            buffersize=BLOCK,
        )
    )


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
        Where that cannot raise a maximum, the division of all elements is left out.
        """
        size = actual.size
        if size > self.buffers.shape[1]:
            self.buffers = _aligned(3, size)
        diff, magnitude, quotient = self.buffers[:, :size]
        np.subtract(actual, expected, out=diff)
        np.abs(diff, out=diff)
        np.abs(expected, out=magnitude)
        widest = np.maximum.reduce(diff)  # NaN if there is any
        alarm = None
        if not widest < math.inf:
            alarm = self._take_nonfinite(actual, expected, diff, magnitude)
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
                    self._place(start, math.inf, widest, diff == widest)
            return
        low_radius, high_radius = np.minimum.reduce(radius), np.maximum.reduce(radius)
        if not high_radius < math.inf:
            radius = np.where(np.isnan(radius), math.inf, radius)
            low_radius, high_radius = np.minimum.reduce(radius), math.inf
        if low_radius < 0.0:
            index = self._flat(start, radius == low_radius)
            raise ValueError(f"radius is {low_radius} at flat index {index}: it cannot be negative")
        self.largest_radius = max(self.largest_radius, high_radius)
        if self.notable is not None:
            self.notable.take(magnitude, radius, quotient)
        if widest > 0.0 and not widest / low_radius <= min(self.worst[0], 1.0):
            if low_radius == 0.0:
                radius = np.add(radius, 0.0, out=quotient)  # -0.0 would make x/0 negative
            if alarm is not None:
                radius = np.where(alarm, 0.0, radius)
            np.divide(diff, radius, out=quotient)
            share = np.fmax.reduce(quotient)
            if share > 1.0:  # for floats, x / y > 1 as computed exactly if x > y
                self.exceeding += int(np.count_nonzero(quotient > 1.0))
            if share > 0.0 and share >= self.worst[0]:
                ties = quotient == share
                if math.isinf(share):
                    widest = diff[ties].max()
                    ties &= diff == widest
                self._place(start, share, widest, ties)

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

    def _place(self, start: int, share: float, diff: float, ties: NDArray[np.bool_]) -> None:
        """Let the first of `ties`, a block's largest share, compete for the worst element."""
        infinite = math.isinf(share)
        key = (float(share), float(diff) if infinite else 0.0, -self._flat(start, ties))
        self.worst = max(self.worst, key)

    def _flat(self, start: int, ties: NDArray[np.bool_]) -> int:
        """First flat index, in C order of the arrays, of the marked elements of a block."""
        if self.fortran_shape is None:
            return start + int(ties.argmax())
        places = np.unravel_index(start + np.flatnonzero(ties), self.fortran_shape[::-1])
        return int(np.ravel_multi_index(places[::-1], self.fortran_shape).min())


class _Notable:
    """Largest radius / |expected| over |expected| > threshold, which is known only at the end.

    It is foreseen to lie between `floor` and `ceiling`. Elements above the ceiling count for sure;
    those in between are put aside if they exceed the sure ones. They are few: with a thousandth of
    the largest element as threshold, 0.4 % of normally distributed numbers at most.
    """

    def __init__(self, floor: float, ceiling: float) -> None:
        self.floor, self.ceiling = floor, ceiling
        self.sure = 0.0
        self.aside: list[tuple[Floats, Floats]] = []
        self.room = CANDIDATES

    def take(self, magnitude: Floats, radius: Floats, quotient: Floats) -> None:
        np.divide(radius, magnitude, out=quotient)
        if self.room < 0 or not np.fmax.reduce(quotient) > self.sure:
            return
        hits = np.flatnonzero((quotient > self.sure) & (magnitude > self.floor))
        halves, sizes = quotient[hits], magnitude[hits]
        self.sure = float(halves[sizes > self.ceiling].max(initial=self.sure))
        keep = (sizes <= self.ceiling) & (halves > self.sure)
        self.aside.append((sizes[keep], halves[keep]))
        self.room -= int(np.count_nonzero(keep))

    def above(self, threshold: float) -> float | None:
        """The largest above this threshold, or None if what was put aside does not tell."""
        if self.room < 0 or not self.floor <= threshold <= self.ceiling:
            return None
        found = (halves[sizes > threshold].max(initial=0.0) for sizes, halves in self.aside)
        return max(self.sure, float(max(found, default=0.0)))


def _foreseen(expected: Numbers) -> _Notable:
    """With the largest of a sample: that of all elements is seldom more than twice as large."""
    magnitude = np.abs(_sample(expected))
    floor = NOTABLE * float(magnitude[magnitude < math.inf].max(initial=0.0))
    return _Notable(floor, 2.0 * floor)


def _powers(
    scan: _Scan, expected: Numbers, radius: Numbers, walk: list[Numbers]
) -> tuple[float, float, float]:
    """Power, its median and its worst, given that the radius is not 0 everywhere."""
    if scan.largest == 0.0:
        return math.inf, math.inf, math.inf
    power = 2.0 * float(scan.largest_radius / scan.largest)
    threshold = NOTABLE * float(scan.largest)

    magnitude = np.abs(_sample(expected))
    known = (magnitude > 0.0) & (magnitude < math.inf)
    magnitude = magnitude[known]
    halves = (_sample(radius)[known] if radius.ndim else np.float64(radius)) / magnitude
    if math.isinf(scan.largest_radius):
        halves[np.isnan(halves)] = math.inf
    if scan.notable is None:  # the sample is everything
        worst: float | None = halves[magnitude > threshold].max(initial=0.0)
    else:
        worst = scan.notable.above(threshold)
        if worst is None:
            worst = _second_look(threshold, walk)
    if not halves.size:
        return power, math.inf, 2.0 * float(worst)
    middle = ((halves.size - 1) // 2, halves.size // 2)
    halves.partition(middle)
    return power, float(halves[middle[0]] + halves[middle[1]]), 2.0 * float(worst)


def _second_look(threshold: float, walk: list[Numbers]) -> float:
    ...


def _sample(array: Numbers) -> Floats:
    """About SAMPLE elements at even steps in C order (all up to there), without a copy of all."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.flat
    step = max(array.size // SAMPLE, 1)
    while math.gcd(step, array.size) > 1:
        step += 1
    return flat[::step].astype(np.float64, copy=False)


def _aligned(rows: int, size: int) -> Floats:
    """Uninitialized rows that begin on cache lines; writing across two takes twice as long."""
    width = -(-size // 8) * 8
    memory = np.empty(rows * width + 8)
    skip = -memory.ctypes.data % 64 // 8
    return memory[skip : skip + rows * width].reshape(rows, width)
