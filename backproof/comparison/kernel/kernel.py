"""The comparison kernel: every number that is said about two arrays, in one pass over them.

Whole-array NumPy (`abs(a - e).max()`, `assert_allclose`) writes and reads back a temporary of the
array's size for each operation, and that traffic is what takes the time. Here the arrays go by in
blocks; a block and its scratch buffers stay in the cache while every statistic is taken from it.

`walk` makes the blocks, `scan` takes the statistics, `power` says how strong the comparison is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backproof.comparison.kernel.power import Sample
from backproof.comparison.kernel.scan import Scan
from backproof.comparison.kernel.walk import Floats, Numbers, blocks_of

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
    actual, expected = as_numbers("actual", actual), as_numbers("expected", expected)
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
        radius = as_numbers("radius", radius)
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
        sample = None if radius is None else Sample(expected, radius)
        notable = sample.foresee() if sample else None
        scan = Scan(notable, shape if fortran else None)
        for start, blocks in blocks_of(walk):
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


def as_numbers(name: str, values: Any) -> Numbers:
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
