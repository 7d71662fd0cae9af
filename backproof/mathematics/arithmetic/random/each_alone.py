"""Declared errors, one at a time: what all of them do together, at most, to first order.

An implementation may declare that a function is off by so much, a sigmoid read from a table by
1e-4, say. Where there are few such errors, their worst case is known without chance: it is the sum
of the sizes of what each does alone, and so of as many replicas as there are errors. It takes into
account what balls cannot, that one number is used in several places.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.random.local_errors import LocalErrors
from backproof.mathematics.arithmetic.random.replicas import RandomOps, Replicas
from backproof.mathematics.arithmetic.random.tape import Local, Tape
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation

Values = NDArray[np.floating]


class DeclaredErrors(LocalErrors):
    """What an implementation declares of its functions, and no rounding."""

    def __init__(self, rounding: Rounding) -> None:
        exact = replace(rounding, unit=0.0, tiny=0.0, coefficients=0.0, inside=(), sums="")
        super().__init__(exact)

    def vjp(self, f: Activation, z: Values, a: Values, cotangent: Values) -> Values | None:
        """Of a slope that the definition takes of a itself, a's error is in a already."""
        if not takes_output(f, z, a):
            return super().vjp(f, z, a, cotangent)
        given = Ball(z, None), Ball(a, np.zeros_like(a)), Ball(cotangent, None)
        return self._own(self._balls(f.kinked).vjp(f, *given))


class EachAlone(RandomOps):
    """Replicas that have one of the errors on the tape each, in full: those from ``start`` on."""

    def __init__(self, tape: Tape, *, replicas: int, start: int) -> None:
        super().__init__(tape, replicas=replicas, enlargement=1.0, seed=(0,), watching=False)
        self._start = start
        self.count = 0
        """How many errors there are, once the evaluation is through."""

    def _disturbed(self, result: Values, local: Local, relative: float = 0.0) -> Replicas:
        if local.size is None:
            return Replicas(result)
        full = np.empty((self.replicas, *result.shape[1:]))
        full[...] = result
        flat = full.reshape(self.replicas, -1)
        size = np.broadcast_to(local.size.reshape(-1, flat.shape[1]), flat.shape)
        own = np.arange(self.replicas) + self._start - self.count
        rows = np.flatnonzero((own >= 0) & (own < flat.shape[1]))
        flat[rows, own[rows]] += size[rows, own[rows]]
        self.count += flat.shape[1]
        return Replicas(full)


@dataclass(frozen=True, eq=False)
class Alone:
    """By name, the sum of the sizes of what each error does alone; and how many there are."""

    totals: dict[str, Values]
    count: int

    def radius(self, name: str, curve: Values) -> Values:
        """The first order, Σ|∂f/∂eᵢ|·|eᵢ|, and the most that the second can be.

        That is eᵀHe for some matrix H, with errors e that are 1 at most: no more than n·‖H‖ for n
        of them. ``curve``: its size for random e, of variance 1 and evenly distributed, whose
        square is Σ 2·Hᵢⱼ² + 0.8·Hᵢᵢ² + (Σ Hᵢᵢ)² on average, and so 0.8·‖H‖² at least. Where the
        second order is more than the first, nothing is known.
        """
        first, second = self.totals[name], self.count / sqrt(0.8) * curve
        return np.where(second <= first, first + second, inf)


def takes_output(f: Activation, z: Values, a: Values) -> bool:
    """Whether the definition's slope is one of a, not of z."""
    one = np.ones_like(a)
    other = a * (1 + 2.0**-10) + 2.0**-10
    return bool((f.vjp(z, a, one) != f.vjp(z, other, one)).any())
