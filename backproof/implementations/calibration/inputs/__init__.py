"""Trials: what an operation of half precision is given to find out what it computes in.

Sums whose terms cancel or drown one another; functions of all their arguments in one array, and of
some of them in small ones. Each trial knows its results, exactly or certified, and the rule that
should hold them.
"""

from __future__ import annotations

import numpy as np

from backproof.implementations.calibration.inputs.of_functions import function_trials, heads
from backproof.implementations.calibration.inputs.of_sums import products, sums
from backproof.implementations.calibration.inputs.trial import Tensors, Trial

__all__ = ["DRAWS", "Tensors", "Trial", "trials"]

# How many arrays there are of each size.
DRAWS = 12


def trials(dtype: str, draws: int = DRAWS) -> list[Trial]:
    """What every implementation is tried on in a half precision."""
    stream = np.random.default_rng(0)
    return [
        *products(dtype, stream),
        *sums(dtype, stream, draws),
        *function_trials(dtype, stream, draws),
        *heads(dtype, stream, draws),
    ]
