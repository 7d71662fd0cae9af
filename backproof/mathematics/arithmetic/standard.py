"""What it is to standardise: which axes, which variance, and where ε stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Standard:
    """x̂ = (x − μ)/s, with μ and s of each *group* of elements: those that differ along the axes.

    ``epsilon``: s = √(v + ε), or √v + ε where it is not ``inside`` of the root. ``unbiased``: the
    variance v divides by N − 1, not by N, the number of elements of a group. Without ``centred``,
    μ is left out, and v is the mean of the squares.
    """

    axes: tuple[int, ...]
    epsilon: float
    inside: bool = True
    unbiased: bool = False
    centred: bool = True

    def groups(self, shape: tuple[int, ...]) -> Groups:
        """The groups of an array of that shape."""
        return Groups(shape, tuple(sorted(axis % len(shape) for axis in self.axes)), self.unbiased)


@dataclass(frozen=True)
class Groups:
    """The groups of an array: how many elements each has, and where each element belongs."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    unbiased: bool

    @property
    def terms(self) -> int:
        """N."""
        return prod(self.shape[axis] for axis in self.axes)

    @property
    def divisor(self) -> int:
        """What the sum of squares is divided by."""
        return self.terms - self.unbiased

    @cached_property
    def places(self) -> NDArray[np.intp]:
        """For each element, the place of its group among the groups, row by row."""
        lengths = [1 if axis in self.axes else n for axis, n in enumerate(self.shape)]
        return np.broadcast_to(np.arange(prod(lengths)).reshape(lengths), self.shape)
