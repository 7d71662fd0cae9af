"""Sums that tell the precisions apart in which they may be accumulated, and products."""

from __future__ import annotations

from collections.abc import Iterator
from math import fsum

import numpy as np
from numpy.typing import NDArray

from backproof.implementations.calibration.inputs.of_functions import every
from backproof.implementations.calibration.inputs.trial import Tensors, Trial, Values, known
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.half import MOST_TERMS
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import Truth
from backproof.mathematics.arithmetic.rounding.model import Rounding, round_to

# Terms of a sum, and how many sums there are in one array: other sizes run other code.
TERMS = (2, 5, 16, 100, MOST_TERMS)
SHAPES = ((1, 1), (4, 1), (1, 3), (8, 5), (33, 16))
BROAD = (128, 64)
# At most so many sums of an array are also taken alone, as the sum over all elements.
ALONE = 12


def hard_terms(sums: int, terms: int, dtype: str, stream: np.random.Generator) -> Values:
    """Rows of terms whose sum tells the precisions apart, (sums, terms), in the dtype.

    By turns: random ones; many small ones beside a large one, which drown in it one by one; small
    ones between two large ones that cancel; normal ones whose sums and products need not be.
    """
    rows = stream.normal(size=(sums, terms))
    for row, kind in zip(rows, np.arange(sums) % 4, strict=True):
        if kind == 1:
            row[:] = np.abs(row) * 2.0 ** -stream.integers(4, 14)
            row[0] = 1
        elif kind == 2:
            row *= 2.0 ** -stream.integers(0, 14)
            large = 2.0 ** stream.integers(0, 15)
            row[:2] = large, -large * (1 + stream.integers(2) * 2.0 ** -stream.integers(1, 8))
        elif kind == 3:
            row[:] = np.sign(row) * (1 + np.abs(row)) * Rounding.of(dtype).tiny
        stream.shuffle(row)
    return round_to(rows, dtype)


def exact_sums(terms: NDArray[np.float64], divisor: int = 1) -> Truth:
    """The sum of each row, correctly rounded to float64, and what that leaves out."""
    sums = np.array([fsum(row) for row in terms.tolist()]) / divisor
    return Truth(sums, np.zeros_like(sums), np.abs(sums) * 2.0**-51)


def sums(dtype: str, stream: np.random.Generator, draws: int) -> Iterator[Trial]:
    """All that sums, on every number of terms and in every shape, so many times."""
    for terms in TERMS:
        for rows, columns in (*SHAPES * draws, BROAD):
            a = hard_terms(rows, terms, dtype, stream)
            b = round_to(stream.uniform(-1, 1, (columns, terms)), dtype)
            b[::2] = np.sign(b[::2])  # products that are the terms themselves
            yield from contractions(a, b)
            yield from totals(a)


def contractions(a: Values, b: Values) -> Iterator[Trial]:
    """a bᵀ as a layer computes it, as the gradient of its kernel, and as that of its inputs."""
    (rows, count), columns = a.shape, len(b)
    products = a.astype(np.float64)[:, None, :] * b.astype(np.float64)[None, :, :]
    exact = known(exact_sums(products.reshape(-1, count)))
    zeros = np.zeros(max(columns, count), a.dtype)
    ones = np.ones((rows, columns), a.dtype)

    def rule(ops: BallOps, _: Tensors) -> Ball:
        return ops.matmul(ops.exact(a), ops.exact(b.T))

    forward = {"x": a, "kernel": b.T, "bias": zeros[:columns]}
    yield Trial("matmul", "affine", forward, "y", exact, rule)
    kernel = {"x": a.T, "kernel": ones, "bias": zeros[:columns], "cotangent": b.T}
    yield Trial("matmul", "affine", kernel, "gradient/kernel", exact, rule)
    inputs = {"x": ones, "kernel": b, "bias": zeros[:count], "cotangent": a}
    yield Trial("matmul", "affine", inputs, "gradient/x", exact, rule)


def totals(a: Values) -> Iterator[Trial]:
    """Sums of rows and of columns; of a bias's cotangents; and, row by row, of all elements."""
    terms = a.astype(np.float64)
    exact, (units, samples) = known(exact_sums(terms)), a.shape

    def along(ops: BallOps, _: Tensors) -> Ball:
        return ops.total(ops.exact(a), 1)

    yield Trial("row_sum", "row_sum", {"x": a}, "y", exact, along)

    def rule(ops: BallOps, _: Tensors) -> Ball:
        return ops.total(ops.exact(a.T), 0)

    yield Trial("column_sum", "column_sum", {"x": a.T}, "y", exact, rule)
    layer = {"x": np.ones((samples, 1), a.dtype), "kernel": np.ones((1, units), a.dtype)}
    bias = {**layer, "bias": np.zeros(units, a.dtype), "cotangent": a.T}
    yield Trial("column_sum", "affine", bias, "gradient/bias", exact, rule)
    for row in a[:ALONE]:
        yield from alone(row.reshape((2, -1) if units % 2 and not samples % 2 else (1, -1)))


def alone(a: Values) -> Iterator[Trial]:
    """The sum over all elements, and the mean."""
    terms = a.astype(np.float64).reshape(1, -1)

    def total(ops: BallOps, _: Tensors) -> Ball:
        return ops.total(ops.exact(a.reshape(-1)))

    def mean(ops: BallOps, reply: Tensors) -> Ball:
        return ops.scale(total(ops, reply), 1.0, a.size, roundings=1)

    yield Trial("sum", "sum", {"x": a}, "y", known(exact_sums(terms)), total)
    yield Trial("sum", "mean", {"x": a}, "y", known(exact_sums(terms, a.size)), mean)


def products(dtype: str, stream: np.random.Generator) -> Iterator[Trial]:
    """All numbers, normal and subnormal ones, times others of at most 1."""
    a = every(dtype)
    b = round_to(stream.uniform(-1, 1, a.shape) * 2.0 ** -stream.integers(0, 12, a.shape), dtype)
    exact = a.astype(np.float64) * b
    truth = Truth(exact, np.zeros_like(exact), np.zeros_like(exact))
    given = {"x": a, "kernel": b}

    def rule(ops: BallOps, _: Tensors) -> Ball:
        return ops.multiply(ops.exact(a), ops.exact(b))

    yield Trial("arithmetic", "product", given, "y", known(truth), rule)
