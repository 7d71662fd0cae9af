"""Replicas: the definition evaluated many times side by side, each operation disturbed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic import standardised
from backproof.mathematics.arithmetic.indices import indices
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.random.draws import Draws
from backproof.mathematics.arithmetic.random.tape import (
    COTANGENT,
    OPERAND,
    RESULT,
    Local,
    Tape,
    Watched,
)
from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction

Values = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Replicas:
    """An array in every replica: ``drawn`` is (replicas, *shape), (1, *shape) of what is exact."""

    drawn: Values

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array itself."""
        return self.drawn.shape[1:]

    def beside(self, other: Replicas) -> Values:
        """The replicas, with axes for those that a longer array has before its own."""
        missing = len(other.shape) - len(self.shape)
        if missing <= 0:
            return self.drawn
        return self.drawn.reshape(len(self.drawn), *(1,) * missing, *self.shape)


class RandomOps:
    """The operations of the definition in so many replicas, by a tape of their local errors.

    Each result is disturbed by ``enlargement`` times its local error; the draws are those of the
    seed. Replicas go the way of the definition's own value: at a kink they stay on its side, where
    the function goes on as it does there. ``watching``: how far they move there is added up on the
    tape.
    """

    def __init__(
        self,
        tape: Tape,
        *,
        replicas: int,
        enlargement: float,
        seed: Sequence[int],
        watching: bool = True,
    ) -> None:
        self.replicas = replicas
        self.enlargement = enlargement
        self.errors = tape.errors
        self._entries = iter(tape.entries)
        self._draws = Draws(seed, enlargement)
        self._watching = watching
        self._seen: set[Watched] = set()

    def exact(self, x: Values) -> Replicas:
        local = next(self._entries)
        assert local.value is not None
        return self._disturbed(local.value[None], local)

    def matmul(self, a: Replicas, b: Replicas, further_terms: int = 0) -> Replicas:
        return self._disturbed(product(a.drawn, b.drawn), next(self._entries))

    def affine(self, a: Replicas, kernel: Replicas, bias: Replicas | None) -> Replicas:
        z = product(a.drawn, kernel.drawn)
        if bias is not None:
            z = np.add(z, bias.drawn[:, None], out=z if len(z) >= len(bias.drawn) else None)
        return self._disturbed(z, next(self._entries))

    def transpose(self, a: Replicas, axes: tuple[int, ...] | None = None) -> Replicas:
        order = tuple(reversed(range(len(a.shape)))) if axes is None else axes
        return Replicas(a.drawn.transpose(0, *(axis + 1 for axis in order)))

    def concatenated(self, parts: Sequence[Replicas]) -> Replicas:
        many = max(len(part.drawn) for part in parts)
        full = [np.broadcast_to(part.drawn, (many, *part.shape)) for part in parts]
        return Replicas(np.concatenate(full, axis=-1))

    def scatter(self, a: Replicas, index: NDArray[np.intp], shape: tuple[int, ...]) -> Replicas:
        found = np.zeros((len(a.drawn), prod(shape)))
        for one, given in zip(found, a.drawn, strict=True):
            np.add.at(one, index.ravel(), given.ravel())
        return self._disturbed(found.reshape(-1, *shape), next(self._entries))

    def add(self, a: Replicas, b: Replicas) -> Replicas:
        return self._elementary(a.beside(b) + b.beside(a))

    def subtract(self, a: Replicas, b: Replicas) -> Replicas:
        return self._elementary(a.beside(b) - b.beside(a))

    def multiply(self, a: Replicas, b: Replicas) -> Replicas:
        return self._elementary(a.beside(b) * b.beside(a))

    def scale(self, a: Replicas, c: float, divisor: int = 1, roundings: int = 1) -> Replicas:
        """The coefficient's error is the same for all elements, and the product's own."""
        if c == divisor == 1:
            return a
        return self._with_coefficient(a.drawn * (c / divisor), roundings, roundings + 1)

    def constant(self, c: float | Fraction, like: Replicas, roundings: int) -> Replicas:
        return self._with_coefficient(np.full((1, 1), float(c)), roundings, 0, like.shape)

    def divide(self, a: Replicas, b: Replicas) -> Replicas:
        """Two roundings: of the reciprocal, and of the product."""
        upper, lower = a.beside(b), b.beside(a)
        value = np.where(lower == 0, 0.0, upper / lower)
        return self._elementary(value, 2)

    def sqrt(self, a: Replicas) -> Replicas:
        return self._disturbed(np.sqrt(np.maximum(a.drawn, 0)), next(self._entries))

    def charged(self, a: Replicas, times: int) -> Replicas:
        """So many roundings of each element, which may be those of one coefficient for all."""
        return self._with_coefficient(a.drawn[:], times, times)

    def by_one(self, a: Replicas, roundings: int) -> Replicas:
        return self.charged(a, roundings) if self.errors.by_one(roundings) else a

    def cast(self, a: Replicas, unit: float) -> Replicas:
        return self._disturbed(a.drawn[:], next(self._entries))

    def as_summand(self, a: Replicas, times: int) -> Replicas:
        return self._disturbed(a.drawn[:], next(self._entries), self.errors.summand(times))

    def total(self, a: Replicas, axis: Axis = None, further_terms: int = 0) -> Replicas:
        axes = tuple(range(len(a.shape))) if axis is None else axis
        axes = axes if isinstance(axes, tuple) else (axes,)
        places = tuple(each % len(a.shape) + 1 for each in axes)
        return self._disturbed(np.asarray(a.drawn.sum(axis=places)), next(self._entries))

    def sum_of_charged(self, parts: Sequence[Replicas]) -> Replicas:
        if len(parts) == 1:
            return parts[0]
        return self._disturbed(reduce(np.add, [part.drawn for part in parts]), next(self._entries))

    def reshaped(self, a: Replicas, shape: tuple[int, ...]) -> Replicas:
        return Replicas(a.drawn.reshape(len(a.drawn), *shape))

    def magnitude(self, a: Replicas) -> Replicas:
        value = next(self._entries).value
        assert value is not None
        return Replicas(a.drawn * np.where(value < 0, -1.0, 1.0))

    def sign(self, a: Replicas) -> Replicas:
        local = next(self._entries)
        self._watch(local, OPERAND, a.drawn)
        assert local.value is not None
        return Replicas(np.sign(local.value)[None])

    def gather(self, a: Replicas, index: NDArray[np.intp]) -> Replicas:
        return Replicas(a.drawn.reshape(len(a.drawn), -1)[:, index])

    def indices(self, a: Replicas, below: int) -> NDArray[np.intp]:
        """The same in every replica: whole numbers are not rounded."""
        return indices(a.drawn[0], below)

    def enlarged(self, factor: float) -> RandomOps:
        """What underflow may take is on the tape."""
        return self

    def activate(self, f: Activation, z: Replicas) -> Replicas:
        """f, and beyond a kink of f the tangent there, of the definition's side."""
        local = self._sized(next(self._entries), z)
        self._watch(local, OPERAND, z.drawn)
        if local.side is None:
            given = by_rows(f.value, z.drawn)
        elif local.slope is not None:
            given = z.drawn * local.slope
        else:
            given = by_rows(f.extended, local.side(z.drawn), z.drawn)
        a = self._disturbed(given, local)
        self._watch(local, RESULT, a.drawn)
        return a

    def vjp(self, f: Activation, z: Replicas, a: Replicas, cotangent: Replicas) -> Replicas:
        local = self._sized(next(self._entries), cotangent)
        self._watch(local, OPERAND, z.drawn)
        self._watch(local, COTANGENT, cotangent.drawn)
        if local.slope is not None:
            return self._disturbed(cotangent.drawn * local.slope, local)
        near = z.drawn if local.side is None else local.side(z.drawn)
        return self._disturbed(by_rows(f.vjp, near, a.drawn, cotangent.drawn), local)

    def loss_and_slope(
        self, loss: LossFunction, z: Replicas, a: Replicas, y: Replicas
    ) -> tuple[Replicas, Replicas]:
        rows, slope = next(self._entries), next(self._entries)
        many = max(len(each.drawn) for each in (z, a, y))
        shaped = [np.broadcast_to(each.drawn, (many, *each.shape)) for each in (z, a, y)]
        beyond = None
        if rows.side is not None:
            self._watch(rows, OPERAND, a.drawn)
            near = rows.side(shaped[1])
            beyond, shaped[1] = shaped[1] - near, near
        flat = [each.reshape(-1, each.shape[-1]) for each in shaped]
        values, slopes = (x.reshape(many, -1, x.shape[-1]) for x in loss.value(*flat))
        if beyond is not None:
            values = values + slopes * beyond
        return self._disturbed(values, rows), self._disturbed(slopes, slope)

    def variance(self, x: Replicas, by: Standard) -> Replicas:
        return standardised.variance(self, x, by)

    def standardise(self, x: Replicas, by: Standard, terms: int = 0) -> Replicas:
        return standardised.standardised(self, x, by, terms)

    def standardise_vjp(self, x: Replicas, cotangent: Replicas, by: Standard) -> Replicas:
        return standardised.pulled(self, x, cotangent, by)

    def _elementary(self, result: Values, times: int = 1) -> Replicas:
        return self._disturbed(result, next(self._entries), self.errors.elementary(times))

    def _with_coefficient(
        self, result: Values, held: int, times: int, shape: tuple[int, ...] | None = None
    ) -> Replicas:
        """The result, by a coefficient that is held in so many roundings, and rounded so often."""
        off = self.errors.coefficient(held)
        if off:
            factor = 1 + off * self._draws.each(self.replicas)
            result = result * factor.reshape(self.replicas, *(1,) * (result.ndim - 1))
        if shape is not None:
            flat = result.reshape(len(result), *(1,) * len(shape))
            result = np.broadcast_to(flat, (len(flat), *shape))
        return self._disturbed(result, next(self._entries), self.errors.elementary(times))

    def _disturbed(self, result: Values, local: Local, relative: float = 0.0) -> Replicas:
        """The result, off by (size + relative·|result|)·(own draws + a shared one)."""
        if local.size is None and not relative:
            return Replicas(result)
        full = result
        # A view may be of an operand; an array of its own is changed in place.
        if result.base is not None or len(result) < self.replicas or not result.flags.c_contiguous:
            full = np.empty((self.replicas, *result.shape[1:]))
            full[...] = result
        shared = local.systematic * self._draws.each(self.replicas, 2) if local.systematic else None
        size = None if local.size is None else local.size.reshape(-1, full[0].size)
        self._draws.disturb(full.reshape(self.replicas, -1), size, relative, shared)
        return Replicas(full)

    def _sized(self, local: Local, operand: Replicas) -> Local:
        """The local error by an operand, if it goes by one."""
        if local.size_by is None:
            return local
        return replace(local, size=local.size_by(operand.drawn))

    def _watch(self, local: Local, what: str, drawn: Values) -> None:
        """Add up how far it moves, if that is wanted, and was not done."""
        if self._watching and what in local.watched:
            watched = local.watched[what]
            if watched not in self._seen:
                self._seen.add(watched)
                watched.squares.add(drawn, watched.value)


def product(a: Values, b: Values) -> Values:
    """The product of matrices in every replica; one product for all, where b is exact."""
    if len(b) > 1 or a.ndim > 3:
        return np.asarray(np.matmul(a, b))
    many, rows, terms = a.shape
    result = np.empty((many, rows, b.shape[-1]))  # no view, which would be copied to be disturbed
    np.matmul(a.reshape(many * rows, terms), b[0], out=result.reshape(many * rows, -1))
    return result


def by_rows(function: Callable[..., Values], *given: Values) -> Values:
    """The function of arrays (rows, units), of the rows of all replicas together."""
    shape = max((each.shape for each in given), key=lambda shape: shape[0])
    flat = (np.broadcast_to(each, shape).reshape(-1, shape[-1]) for each in given)
    return np.asarray(function(*flat)).reshape(shape)
