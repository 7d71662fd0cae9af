"""A trial: one call of a function in half precision, with its exact results and their bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.half import HalfOps
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import Truth
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation

Values = NDArray[np.floating]
Tensors = dict[str, Values]


@dataclass(frozen=True, eq=False)
class Trial:
    """One call of a function, and what should come of it.

    ``result`` is a name in the reply; ``exact`` and ``rule`` say what it should be, and its bound.
    """

    operation: str
    function: str | Activation
    given: Tensors
    result: str
    exact: Callable[[Tensors], Truth]
    rule: Callable[[BallOps, Tensors], Ball]

    def error(self, reply: Tensors) -> Values:
        """How far the result is certainly off; infinite for what is not a number."""
        exact = self.exact(reply)
        error = exact.error(reply[self.result].reshape(exact.high.shape)) - exact.radius
        return np.nan_to_num(np.maximum(error, 0), nan=np.inf)

    def share(self, reply: Tensors, rounding: Rounding) -> float:
        """The largest share of its bound that an error takes up."""
        error = self.error(reply)
        with np.errstate(all="ignore"):
            radius = self.rule(HalfOps(rounding), reply).radius
            radius = np.zeros_like(error) if radius is None else radius.reshape(error.shape)
            share = np.where((error == 0) | ~np.isfinite(radius), 0.0, error / radius)
        return float(share.max())


def known(truth: Truth) -> Callable[[Tensors], Truth]:
    """What should come of a call, whatever else came of it."""
    return lambda _: truth
