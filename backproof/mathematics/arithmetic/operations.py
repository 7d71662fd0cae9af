"""The arithmetics in which the definition is evaluated: one file each."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction

T = TypeVar("T")

Axis = int | tuple[int, ...] | None
"""The axes of a sum; None for all."""


class Ops(Protocol[T]):
    """What the definition asks of an arithmetic.

    Arrays are (rows, columns) or have more axes; vectors are (columns,).
    """

    def exact(self, x: NDArray[np.floating]) -> T:
        """Data and parameters: known without error."""

    def matmul(self, a: T, b: T, further_terms: int = 0) -> T:
        """a @ b; each element is part of a sum with so many ``further_terms``.

        Of three axes, the first counts pairs of matrices.
        """

    def affine(self, a: T, kernel: T, bias: T | None) -> T:
        """a @ kernel + bias, the bias being added to each row."""

    def transpose(self, a: T, axes: tuple[int, ...] | None = None) -> T:
        """The axes in another order; without one, in reverse order."""

    def concatenated(self, parts: Sequence[T]) -> T:
        """The parts side by side, along the last axis: exact."""

    def scatter(self, a: T, index: NDArray[np.intp], shape: tuple[int, ...]) -> T:
        """The sums of the elements of a by their place, counted row by row in ``shape``.

        The transpose of `gather`: ``index`` has the shape of a. Their additions are charged to a
        before (`as_summand`).
        """

    def add(self, a: T, b: T) -> T:
        """a + b; a vector b is added to each row of a."""

    def subtract(self, a: T, b: T) -> T: ...

    def multiply(self, a: T, b: T) -> T: ...

    def scale(self, a: T, c: float, divisor: int = 1, roundings: int = 1) -> T:
        """a·c/divisor; an implementation reaches that coefficient in so many roundings.

        One more applies it; −1 says that none is made, as of a power of two.
        """

    def constant(self, c: float | Fraction, like: T, roundings: int) -> T:
        """An array like that one, of c; an implementation reaches c in so many roundings."""

    def divide(self, a: T, b: T) -> T:
        """a/b; where b may be 0, nothing is known."""

    def sqrt(self, a: T) -> T:
        """√a, of what is not negative."""

    def charged(self, a: T, times: int) -> T:
        """a, rounded so many times on the way to where it is used."""

    def by_one(self, a: T, roundings: int) -> T:
        """a times a coefficient that comes to 1; code may round so often until it is 1."""

    def cast(self, a: T, unit: float) -> T:
        """a, rounded once to a narrower dtype of that unit roundoff."""

    def as_summand(self, a: T, times: int) -> T:
        """a, as one term of a sum of so many additions that `sum_of_charged` completes."""

    def total(self, a: T, axis: Axis = None, further_terms: int = 0) -> T:
        """The sum over all elements, or over some axes; ``further_terms``: see `matmul`."""

    def sum_of_charged(self, parts: Sequence[T]) -> T:
        """The sum of parts that an implementation may add term by term, in any order.

        All that its additions may round has been charged to the parts: by ``further_terms`` where a
        part is itself a sum, by `charged` where it is one term.
        """

    def reshaped(self, a: T, shape: tuple[int, ...]) -> T:
        """The same elements, row by row, in another shape."""

    def magnitude(self, a: T) -> T: ...

    def sign(self, a: T) -> T: ...

    def gather(self, a: T, index: NDArray[np.intp]) -> T:
        """The elements of a, counted row by row, that ``index`` names, in its shape: exact."""

    def indices(self, a: T, below: int) -> NDArray[np.intp]:
        """The whole numbers from 0 to ``below`` − 1 that a holds: see `arithmetic.indices`."""

    def enlarged(self, factor: float) -> Ops[T]:
        """The arithmetic of values that an implementation may yet multiply by ``factor``."""

    def activate(self, f: Activation, z: T) -> T: ...

    def vjp(self, f: Activation, z: T, a: T, cotangent: T) -> T:
        """The cotangent of a = f(z), taken back to z."""

    def loss_and_slope(self, loss: LossFunction, z: T, a: T, y: T) -> tuple[T, T]:
        """The loss of each element (or row), and its derivative by z or by a (see the loss)."""

    def variance(self, x: T, by: Standard) -> T:
        """The variance of each group, or the mean of its squares, in the shape without the axes."""

    def standardise(self, x: T, by: Standard, terms: int = 0) -> T:
        """x̂ = (x − μ)/s, by groups; of a sum of so many ``terms`` that code may take uncentred.

        Code may add up x·g and μ·g apart, where the definition adds up x̂·g: it rounds at the sizes
        of x and μ as often as that sum has terms.
        """

    def standardise_vjp(self, x: T, cotangent: T, by: Standard) -> T:
        """The cotangent of x̂, taken back to x."""
