"""Exact losses and gradients in 60 digits, and bounds on what rounding may change in them.

Neither knows how the networks compute theirs: the one differences the loss's textbook formula, the
other follows sizes through the layers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Loss = Callable[[Arrays, Array, Array], Any]

mp = mpmath.MPContext()
mp.dps = 60
exact = np.vectorize(lambda number: mp.mpf(float(number)), otypes=[object])
exp = np.vectorize(mp.exp, otypes=[object])
log = np.vectorize(mp.log, otypes=[object])

# Roundings charged for an elementary function: NumPy's exp, log and log1p err by less than 2 ulp in
# both dtypes, and an ulp is at most two units of rounding. SciPy's expit is 1 / (1 + exp(-z)): the
# error of exp does not grow in it, the sum and the division round once each.
FUNCTION = 4
EXPIT = FUNCTION + 2


def exact_evaluation(
    loss: Loss, parameters: Arrays, inputs: Array, targets: Array
) -> dict[str, Array]:
    """Return `loss`, as "loss", and its gradients by central differences with h = 1e-20.

    Truncation, h² f'''/6, and rounding, 1e-60 f/h, both stay near 1e-40: exact for any float.
    """
    at = {name: exact(array) for name, array in parameters.items()}
    x, y, h = exact(inputs), exact(targets), mp.mpf(10) ** -20
    values = {"loss": np.asarray(loss(at, x, y))}
    values |= {name: np.empty_like(array) for name, array in at.items()}
    for name, array in at.items():
        for index in np.ndindex(array.shape):
            here = array[index]
            array[index] = here + h
            above = loss(at, x, y)
            array[index] = here - h
            below = loss(at, x, y)
            array[index] = here
            values[name][index] = (above - below) / (2 * h)
    return values


@dataclass
class Bounded:
    """A computed array q̂ with |q| ≤ size and |q̂ - q| ≤ gamma(count) size, element by element.

    gamma(k) = k u / (1 - k u) bounds k roundings in a row, where nothing underflows, and
    gamma(j) + gamma(k) + gamma(j) gamma(k) ≤ gamma(j + k) (Higham, Accuracy and Stability of
    Numerical Algorithms, lemmas 3.1 and 3.3).
    """

    size: Array
    count: int = 0

    def __add__(self, other: "Bounded") -> "Bounded":
        return Bounded(self.size + other.size, max(self.count, other.count) + 1)

    def __mul__(self, other: "Bounded") -> "Bounded":
        return Bounded(self.size * other.size, self.count + other.count + 1)

    def __matmul__(self, other: "Bounded") -> "Bounded":
        terms = self.size.shape[-1]  # a product and at most terms - 1 sums each, in any order
        return Bounded(self.size @ other.size, self.count + other.count + terms)

    def __truediv__(self, divisor: int) -> "Bounded":
        return Bounded(self.size / divisor, self.count + 1)

    def sum(self, axis: int | None = None) -> "Bounded":
        """Sum in any order."""
        total = np.asarray(self.size.sum(axis))
        return Bounded(total, self.count + self.size.size // total.size)

    def max(self) -> "Bounded":
        """Bound every element of a row by the row's largest."""
        return Bounded(
            np.broadcast_to(self.size.max(1, keepdims=True), self.size.shape), self.count
        )

    @property
    def T(self) -> "Bounded":
        """The transpose."""
        return Bounded(self.size.T, self.count)

    def through(self, slope: float, at_zero: float, roundings: int) -> "Bounded":
        """Bound f(q̂) where |f'| ≤ slope and |f(0)| ≤ at_zero, computed with so many roundings.

        |f(q̂) - f(q)| ≤ slope gamma(count) size, and |f(q̂)| ≤ at_zero + slope |q̂|, which is rounded.
        """
        return Bounded(at_zero + slope * self.size, self.count + roundings)

    def expit(self) -> "Bounded":
        """Bound the sigmoid of q̂, and its complement computed as expit(-q̂)."""
        return self.through(1 / 4, 1 / 2, EXPIT)

    def error(self, dtype: Any) -> Array:
        """Return the bound on |q̂ - q| in `dtype`."""
        relative = self.count * float(np.finfo(dtype).eps) / 2
        return relative / (1 - relative) * self.size


def given(array: Array) -> Bounded:
    """Bound an array that is exact."""
    return Bounded(np.abs(array).astype(np.float64))


def exceeding(actual: Arrays, expected: Arrays, bounds: Mapping[str, Bounded]) -> list[str]:
    """Name the arrays of which some element is further from the exact one than its bound.

    Where the sign of a pre-activation is uncertain, at the kink of ReLU, this may name a right one.
    """
    assert list(actual) == list(expected) == list(bounds)
    found = []
    for name, array in actual.items():
        assert array.shape == expected[name].shape == bounds[name].size.shape, name
        within = np.abs(exact(array) - expected[name]) <= bounds[name].error(array.dtype)
        if not np.all(within):
            found.append(name)
    return found


def close(actual: Any, expected: Any, roundings: int) -> bool:
    """Whether a scalar lies within so many roundings of `expected`, relative to `expected`.

    What is smaller than the smallest normal number may be rounded to 0.
    """
    allowed = Bounded(np.abs(expected), roundings).error(actual.dtype)
    return bool(abs(mp.mpf(float(actual)) - expected) <= allowed + np.finfo(actual.dtype).tiny)
