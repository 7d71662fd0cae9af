"""Sums: what code may make one number of the terms of a loss by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.loss_batches import Taken, weights
from backproof.comparison.diagnosis.loss_terms import AtLoss, Summand

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Total:
    """One number, before any divisor, as code would write it.

    ``note``: what is told behind it, in brackets. ``right``: the declared terms as they are written
    beside it. ``taken``: the batch as it is taken, if that is what is another. ``minor``: as of its
    summand.
    """

    text: str
    of: Callable[[AtLoss], float]
    cost: float = 0.0
    note: str = ""
    right: str = ""
    taken: Taken | None = None
    minor: bool = False


def plain(summand: Summand, *, weighted: bool, taken: Taken | None = None) -> Total:
    """The sum over everything, with the weights of the samples where there are some."""

    def of(s: AtLoss) -> float:
        rows = summand.of(s if taken is None else taken.at(s)) * weights(s)
        return float((rows if taken is None else rows * taken.shares(s)).sum())

    text = f"sum of {'w * ' * weighted}{bracketed(summand.text)}"
    note = summand.note if taken is None else taken.text
    cost = summand.cost + 0.03 * (taken is not None)
    return Total(text, of, cost, note, summand.right, taken, summand.minor)


def totals(summand: Summand, *, weighted: bool) -> Iterator[Total]:
    """Everything else that code may make of the terms."""
    text = f"{'w * ' * weighted}{bracketed(summand.text)}"
    for what, make in REDUCTIONS.items():

        def of(s: AtLoss, make: Callable[[Values], float | Values] = make) -> float:
            return float(make(summand.of(s) * weights(s)))

        yield Total(what.format(text), of, summand.cost + 0.02, summand.note, summand.right)


def bracketed(text: str) -> str:
    """A text as one term of a sum: in brackets, if it is a sum outside of any bracket."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth and text[place : place + 3] in (" + ", " - "):
            return f"({text})"
    return text


def median(t: Values) -> float:
    """The middle of the samples' sums."""
    return float(np.median(t.sum(axis=1)))


REDUCTIONS: dict[str, Callable[[Values], float | Values]] = {
    "sqrt(sum of {})": lambda t: np.sqrt(t.sum()),
    "sum over the samples of sqrt(sum of {})": lambda t: np.sqrt(t.sum(axis=1)).sum(),
    "sqrt(sum of {} / n)": lambda t: np.sqrt(t.sum() / len(t)),
    "sqrt(mean of {})": lambda t: np.sqrt(t.mean()),
    "(sum of {})**2": lambda t: t.sum() ** 2,
    "sum over the samples of (sum of {})**2": lambda t: (t.sum(axis=1) ** 2).sum(),
    "abs(sum of {})": lambda t: abs(t.sum()),
    "sum over the samples of abs(sum of {})": lambda t: np.abs(t.sum(axis=1)).sum(),
    "max of {}": lambda t: t.max(),
    "sum over the samples of max(outputs) of {}": lambda t: t.max(axis=1).sum(),
    "largest sample's sum of {}": lambda t: t.sum(axis=1).max(),
    "median over the samples of the sum of {}": median,
    "log(sum of {})": lambda t: np.log(t.sum()),
}
