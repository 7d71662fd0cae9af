"""Floating point: the definition evaluated in NumPy, in the dtype of its data."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic import standardised
from backproof.mathematics.arithmetic.indices import indices
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction

Values = NDArray[np.floating]


def product(a: Values, b: Values) -> Values:
    """a @ b, laid out column by column: sums over a few columns then run over long vectors."""
    if a.ndim > 2:
        stacked: Values = np.matmul(a, b)
        return stacked
    result: Values = np.matmul(b.T, a.T).T
    return result


class Float:
    """Values as they come out of NumPy; the dtype is that of the parameters and the batch."""

    def exact(self, x: Values) -> Values:
        return x

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        return product(a, b)

    def affine(self, a: Values, kernel: Values, bias: Values | None) -> Values:
        z = product(a, kernel)
        return z if bias is None else z + bias

    def transpose(self, a: Values, axes: tuple[int, ...] | None = None) -> Values:
        return a.transpose(axes)

    def concatenated(self, parts: Sequence[Values]) -> Values:
        return np.concatenate(parts, axis=-1)

    def scatter(self, a: Values, index: NDArray[np.intp], shape: tuple[int, ...]) -> Values:
        found = np.zeros(prod(shape), a.dtype)
        np.add.at(found, index.ravel(), a.ravel())
        return found.reshape(shape)

    def add(self, a: Values, b: Values) -> Values:
        return a + b

    def subtract(self, a: Values, b: Values) -> Values:
        return a - b

    def multiply(self, a: Values, b: Values) -> Values:
        return a * b

    def scale(self, a: Values, c: float, divisor: int = 1, roundings: int = 1) -> Values:
        return a if c == divisor else a * (c / divisor)

    def constant(self, c: float | Fraction, like: Values, roundings: int) -> Values:
        return np.full_like(like, float(c))

    def divide(self, a: Values, b: Values) -> Values:
        return a / b

    def sqrt(self, a: Values) -> Values:
        return np.sqrt(a)

    def charged(self, a: Values, times: int) -> Values:
        return a

    def by_one(self, a: Values, roundings: int) -> Values:
        return a

    def cast(self, a: Values, unit: float) -> Values:
        return a

    def as_summand(self, a: Values, times: int) -> Values:
        return a

    def total(self, a: Values, axis: Axis = None, further_terms: int = 0) -> Values:
        return np.asarray(a.sum(axis=axis))

    def sum_of_charged(self, parts: Sequence[Values]) -> Values:
        return reduce(np.add, parts)

    def reshaped(self, a: Values, shape: tuple[int, ...]) -> Values:
        return a.reshape(shape)

    def magnitude(self, a: Values) -> Values:
        return np.abs(a)

    def sign(self, a: Values) -> Values:
        return np.sign(a)

    def gather(self, a: Values, index: NDArray[np.intp]) -> Values:
        return np.ravel(a)[index]

    def indices(self, a: Values, below: int) -> NDArray[np.intp]:
        return indices(a, below)

    def enlarged(self, factor: float) -> Float:
        return self

    def activate(self, f: Activation, z: Values) -> Values:
        return f.value(z)

    def vjp(self, f: Activation, z: Values, a: Values, cotangent: Values) -> Values:
        return f.vjp(z, a, cotangent)

    def loss_and_slope(
        self, loss: LossFunction, z: Values, a: Values, y: Values
    ) -> tuple[Values, Values]:
        return loss.value(z, a, y)

    def variance(self, x: Values, by: Standard) -> Values:
        return standardised.variance(self, x, by)

    def standardise(self, x: Values, by: Standard, terms: int = 0) -> Values:
        return standardised.standardised(self, x, by, terms)

    def standardise_vjp(self, x: Values, cotangent: Values, by: Standard) -> Values:
        return standardised.pulled(self if by.inside else self.continued(), x, cotangent, by)

    def continued(self) -> Float:
        """The arithmetic in which 0/0 = 0."""
        return Continued()


class Continued(Float):
    """0/0 = 0: of equal numbers, x̂ = (x − μ)/(√v + ε) has a derivative, though √v has none."""

    def divide(self, a: Values, b: Values) -> Values:
        found: Values = a / np.where((a == 0) & (b == 0), 1, b).astype(b.dtype)
        return found
