"""Local errors of sums that are accumulated in a wider dtype than their results are held in."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import terms_of
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.random.local_errors import (
    HalfErrors,
    LocalErrors,
    Values,
    norm_of_products,
    norm_of_terms,
    reached_by,
)
from backproof.mathematics.arithmetic.rounding.model import Rounding


class AccumulatingErrors(LocalErrors):
    """As `balls.accumulating` has it: `of_sum` with the accumulator's unit, then one rounding.

    What code adds to the sum afterwards rounds in the dtype: u·√times of the result.
    """

    def by_one(self, roundings: int) -> int:
        return 0

    def contraction(
        self, a: Values, b: Values, result: Values, further_terms: int, bias: Values | None
    ) -> Values:
        """With a bias, the product may round to the dtype before it is added."""
        norm, to_dtype = norm_of_products(a, b), np.abs(result)
        if bias is not None:
            norm, to_dtype = np.hypot(norm, bias), np.hypot(result, result - bias)
        terms = a.shape[-1] + (bias is not None)
        size = self.of_sum(result, norm, terms, self.rounding.summing().unit)
        size = size + self.rounding.unit * sqrt(1 + further_terms) * to_dtype
        return self._reached(np.asarray(size), lambda: reached_by(a, b), a.shape[-1])

    def summand(self, times: int) -> float:
        return self.rounding.summing().unit * sqrt(max(times, 0))

    def scattered(self, a: Values, result: Values, index: NDArray[np.intp]) -> Values | None:
        size = LocalErrors(self.rounding.summing()).scattered(a, result, index)
        return None if size is None else size + self.rounding.unit * np.abs(result)

    def joined(self, parts: Sequence[Values]) -> Values | None:
        """Parts are sums that were rounded; of k of them k − 1 additions."""
        size = np.add.reduce([np.abs(part) for part in parts])
        return np.asarray(size * self.elementary(len(parts) - 1))

    def total(self, a: Values, result: Values, axis: Axis, further_terms: int) -> Values:
        """Over several axes, what the first gives may be rounded, too."""
        norm, terms = norm_of_terms(a, axis), terms_of(a.shape, axis)
        if terms + further_terms == 1:
            return np.zeros_like(norm)
        size = self.of_sum(result, norm, terms, self.rounding.summing().unit)
        to_dtype = sqrt(1 + further_terms) * np.abs(result)
        many = a.ndim if axis is None else len(axis) if isinstance(axis, tuple) else 1
        if many > 1:
            partly = np.square(np.abs(a).sum(axis=axis)) * (many - 1)
            to_dtype = np.sqrt(np.square(to_dtype) + partly)
        size = size + self.rounding.unit * to_dtype
        return self._reached(np.asarray(size), lambda: norm > 0, terms)


def errors_of(rounding: Rounding) -> LocalErrors:
    """The local errors of a rounding model."""
    if rounding.sums:
        return AccumulatingErrors(rounding)
    return HalfErrors(rounding) if rounding.inside else LocalErrors(rounding)
