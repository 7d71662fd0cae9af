"""Edits: a formula of the loss in which one term is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.loss_terms import AtLoss, Summand
from backproof.mathematics.faults import Target

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Formula:
    """A loss as a sum of terms, each with its sign, as code writes it: ``("-", "y * log(a)")``."""

    terms: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """As it is."""
        return self.written(0, *self.terms[0])

    def written(self, place: int, sign: str, other: str) -> str:
        """With another term at one place; left out where it is empty."""
        parts = list(self.terms)
        parts[place : place + 1] = [(sign, other)] if other else []
        text = " ".join(f"{sign} {term}" for sign, term in parts)
        return text.removeprefix("+ ").replace("- ", "-", 1) if text.startswith("-") else text[2:]


FORMULAS: dict[str, tuple[Formula, ...]] = {
    "binary_cross_entropy": (
        Formula((("-", "y * log(a)"), ("-", "(1 - y) * log(1 - a)"))),
        Formula((("+", "max(z, 0)"), ("-", "z * y"), ("+", "log(1 + exp(-abs(z)))"))),
        Formula((("+", "log(1 + exp(z))"), ("-", "z * y"))),
    ),
    "categorical_cross_entropy": (
        Formula((("+", "y * log(sum(exp(z)))"), ("-", "y * z"))),
        Formula((("+", "log(sum(exp(z))) / classes"), ("-", "y * z"))),
    ),
    "squared_error": (Formula((("+", "a**2"), ("-", "2 * a * y"), ("+", "y**2"))),),
}

IN_FRONT: dict[str, Callable[[AtLoss], Values]] = {
    "": lambda s: np.ones_like(s.a),
    "y": lambda s: s.y,
    "(1 - y)": lambda s: 1 - s.y,
    "a": lambda s: s.a,
    "(1 - a)": lambda s: 1 - s.a,
    "z": lambda s: s.z,
    "2": lambda s: np.full_like(s.a, 2.0),
    "0.5": lambda s: np.full_like(s.a, 0.5),
}
BEHIND: dict[str, Callable[[AtLoss], Values]] = {
    "log(a)": lambda s: np.log(s.a),
    "log(1 - a)": lambda s: np.log(1 - s.a),
    "(1 - log(a))": lambda s: 1 - np.log(s.a),
    "(1 - log(1 - a))": lambda s: 1 - np.log(1 - s.a),
    "log(1 + a)": lambda s: np.log(1 + s.a),
    "1": lambda s: np.ones_like(s.a),
    "a": lambda s: s.a,
    "a**2": lambda s: s.a**2,
    "y": lambda s: s.y,
    "y**2": lambda s: s.y**2,
    "a * y": lambda s: s.a * s.y,
    "z": lambda s: s.z,
    "abs(z)": lambda s: np.abs(s.z),
    "max(z, 0)": lambda s: np.maximum(s.z, 0),
    "exp(z)": lambda s: np.exp(s.z),
    "exp(-z)": lambda s: np.exp(-s.z),
    "log(1 + exp(z))": lambda s: np.logaddexp(0, s.z),
    "log(1 + exp(-z))": lambda s: np.logaddexp(0, -s.z),
    "log(1 + exp(-abs(z)))": lambda s: np.log1p(np.exp(-np.abs(s.z))),
    "log(1 + exp(abs(z)))": lambda s: np.logaddexp(0, np.abs(s.z)),
    "log(1 + exp(-max(z, 0)))": lambda s: np.log1p(np.exp(-np.maximum(s.z, 0))),
    "log(1 + exp(-z**2))": lambda s: np.log1p(np.exp(-(s.z**2))),
    "exp(-abs(z))": lambda s: np.exp(-np.abs(s.z)),
    "log(sum(exp(z)))": lambda s: logsumexp(s.z),
    "log(sum(exp(z))) / classes": lambda s: logsumexp(s.z) / s.z.shape[1],
}


def logsumexp(z: Values) -> Values:
    """log Σ exp(z) of each sample, for each of its outputs."""
    largest = z.max(axis=1, keepdims=True)
    total = largest + np.log(np.exp(z - largest).sum(axis=1, keepdims=True))
    return np.asarray(np.broadcast_to(total, z.shape))


def product(one: str, other: str) -> tuple[str, Callable[[AtLoss], Values]]:
    """``y * log(a)``, and its values."""
    text = " * ".join(part for part in (one, other) if part and part != "1") or "1"
    return text, lambda s: IN_FRONT[one](s) * BEHIND[other](s)


TERMS = dict(product(one, other) for one in IN_FRONT for other in BEHIND)


def edits(target: Target, places: list[AtLoss], totals: Values) -> Iterator[Summand]:
    """The formulas with another term, that give these sums at all places."""
    with np.errstate(all="ignore"):
        sums = {text: np.array([of(s).sum() for s in places]) for text, of in TERMS.items()}
    fitting: list[tuple[Formula, int, str, str]] = []
    for formula in FORMULAS.get(target.network.loss.kind, ()):
        if not all(np.isfinite(sums[text]).all() for _, text in formula.terms):
            continue
        whole = [(1.0 if sign == "+" else -1.0) * sums[text] for sign, text in formula.terms]
        for place, (sign, right) in enumerate(formula.terms):
            rest = totals - sum(each for i, each in enumerate(whole) if i != place)
            near = 1e-9 * (np.abs(totals) + sum(np.abs(each) for each in whole))
            found = [("", "")] if (np.abs(rest) <= near).all() else []
            for text, sizes in sums.items():
                for told, size in (("+", 1.0), ("-", -1.0)) if np.isfinite(sizes).all() else ():
                    fits = (np.abs(rest - size * sizes) <= near).all()
                    if fits and (told, text) != (sign, right):
                        found.append((told, text))
            fitting += [(formula, place, told, text) for told, text in found]
    for formula, place, told, text in sorted(fitting, key=alike):
        values = edited(formula, place, told, text)
        yield Summand(formula.written(place, told, text), values, 0.0, "", formula.text)


def alike(edit: tuple[Formula, int, str, str]) -> float:
    """How far the other term is from the right one: a slip is likelier than another thought."""
    formula, place, told, text = edit
    return 1 - SequenceMatcher(None, "".join(formula.terms[place]), told + text).ratio()


def edited(formula: Formula, place: int, sign: str, text: str) -> Callable[[AtLoss], Values]:
    """The values of a formula with another term at one place."""
    terms = list(formula.terms)
    terms[place : place + 1] = [(sign, text)] if text else []
    parts = [(1.0 if each == "+" else -1.0, TERMS[other]) for each, other in terms]

    def values(s: AtLoss) -> Values:
        return np.asarray(sum(size * of(s) for size, of in parts))

    return values
