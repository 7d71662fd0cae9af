"""From the spread over replicas to a bound that holds but for a stated chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backproof.mathematics.arithmetic.random.accumulating import errors_of
from backproof.mathematics.arithmetic.random.each_alone import DeclaredErrors
from backproof.mathematics.arithmetic.random.local_errors import LocalErrors
from backproof.mathematics.arithmetic.random.tape import SMALLEST_UNIT
from backproof.mathematics.arithmetic.random.trial import Evaluation as Evaluation
from backproof.mathematics.arithmetic.random.trial import Spread as Spread
from backproof.mathematics.arithmetic.random.trial import Trial
from backproof.mathematics.arithmetic.random.trial import quantile as quantile
from backproof.mathematics.arithmetic.rounding.model import Rounding

# How many replicas an element's spread is taken of, and how much memory they may take at a time.
REPLICAS = 32
MEMORY = 1 << 28
# Disturbances of float64 are enlarged by so much, so that its own roundings do not count beside.
ENLARGED = 2.0**12
AS_THEY_ARE = 1.0, 2.0


def enlargements(rounding: Rounding) -> tuple[float, float]:
    """By how much the disturbances are enlarged, and once more, by twice that."""
    return (ENLARGED, 2 * ENLARGED) if rounding.unit < SMALLEST_UNIT else AS_THEY_ARE


def spreads(
    evaluation: Evaluation,
    rounding: Rounding,
    *,
    chance: float,
    replicas: int = REPLICAS,
    seed: int = 0,
    memory: int = MEMORY,
    errors: LocalErrors | None = None,
) -> dict[str, Spread]:
    """The spread of every tensor of an evaluation, by name.

    ``chance``: of one element of a correct implementation to exceed its radius; a chance for a
    whole run, divided by the number of elements that it compares. ``memory``: bytes that replicas
    may take at a time; fewer than for one are not possible. ``errors``: other local errors than
    those of the rounding model.

    The radius is t·σ, with Student's t, and besides

    - what is not linear. The first replicas are evaluated again with the same draws and twice the
      disturbance; a linear response doubles. By how much the two spreads differ, D, is the second
      order at the enlargement e: at t deviations t²·D/e, which is added, or t·D if that is more.
      Where D exceeds a quarter of σ, or t²·D/e exceeds t·σ, nothing is known.
    - what units with an open side do, in the worst case: `random.open_units`.
    - what the implementation declares that a quantity is off by.

    Declared errors of functions are far larger than roundings, and would not be of first order if
    they were enlarged with them: replicas with those alone, as they are, make up a second spread
    and radius. Of few such errors that is no more than they can do together: `random.each_alone`.
    """
    how = chance, replicas, memory
    enlarged = enlargements(rounding)
    alone = replace(rounding, absolute=())
    with np.errstate(all="ignore"):  # what overflows is found, and told
        if errors is not None or not rounding.absolute:
            errors = errors or errors_of(rounding)
            found = Trial(evaluation, errors, rounding, seed, enlarged).spreads(*how)
        else:
            own = Trial(evaluation, errors_of(alone), rounding, seed, enlarged).spreads(*how)
            trial = Trial(evaluation, DeclaredErrors(rounding), rounding, seed + 1, AS_THEY_ARE)
            declared = trial.spreads(*how, alone=trial.each_alone(memory))
            found = {name: each.besides(declared[name]) for name, each in own.items()}
    allowed = dict(rounding.absolute)
    return {
        name: each.wider(allowed[name]) if name in allowed else each for name, each in found.items()
    }


def apart(
    evaluation: Evaluation, rounding: Rounding, *, replicas: int = REPLICAS, seed: int = 0
) -> dict[str, float]:
    """By how much correct implementations differ: σ, the largest, by the largest |value|.

    By replicas as they are, not enlarged, so that it holds where nothing is of first order, too;
    infinite where one of them is not finite, or where the value is 0 throughout and not all are.
    """
    with np.errstate(all="ignore"):
        trial = Trial(evaluation, errors_of(rounding), rounding, seed, AS_THEY_ARE)
        return trial.apart(replicas, MEMORY)
