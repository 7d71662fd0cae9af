"""How far rounding alone may move what a recipe comes to: the same run on neighbouring data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from backproof.mathematics.network.parameters import Batch
from backproof.reproduction.published import Key, Numbers

Move = Callable[[Batch], Batch]


def neighbours(orders: int = 6) -> dict[str, Move]:
    """Each input rounded the other way, in the four directions; the samples in other orders.

    An input is an ulp off, in the dtype that it is given in (Kahan, How futile are mindless
    assessments of roundoff in floating-point computation?, 2006: rerun with the rounding
    redirected). Another order of the samples is another order of every sum over them.
    """
    directed = {name: moved(target) for name, target in TARGETS.items()}
    return directed | {f"samples in order {seed}": reordered(seed) for seed in range(orders)}


TARGETS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "inputs an ulp up": lambda x: np.full_like(x, np.inf),
    "inputs an ulp down": lambda x: np.full_like(x, -np.inf),
    "inputs an ulp outward": lambda x: np.copysign(np.full_like(x, np.inf), x),
    "inputs an ulp inward": lambda x: np.zeros_like(x),
}


def moved(target: Callable[[np.ndarray], np.ndarray]) -> Move:
    """The batch with every input an ulp nearer to its target."""
    return lambda batch: Batch(np.nextafter(batch.inputs, target(batch.inputs)), batch.targets)


def reordered(seed: int) -> Move:
    """The batch with its samples in another order."""

    def move(batch: Batch) -> Batch:
        order = np.random.default_rng(seed).permutation(len(batch.inputs))
        return Batch(batch.inputs[order], batch.targets[order])

    return move


def tolerance(key: Key, obtained: Numbers, runs: Iterable[Numbers]) -> float:
    """How far two correct runs of the recipe may lie apart in a number, as measured.

    The article's own run is one more: it may lie as far from ours as any two of ours from each
    other. What holds at a step holds after it, for rounding errors are carried on. And each of the
    two numbers is itself rounded, by half an ulp.
    """
    everyone: list[Mapping[Key, float]] = [obtained, *runs]
    if len(everyone) == 1:
        return 0.0
    relative = 0.0
    for other in obtained:
        same = (other.quantity, other.index) == (key.quantity, key.index)
        if same and (other.step or 0) <= (key.step or 0):
            values = [run[other] for run in everyone if other in run]
            size = abs(obtained[other])
            if not all(map(math.isfinite, values)):
                return math.inf  # what rounding can make diverge, it does not determine at all
            if size:
                relative = max(relative, (max(values) - min(values)) / size)
    return (relative + float(np.finfo(np.float64).eps)) * abs(obtained[key])
