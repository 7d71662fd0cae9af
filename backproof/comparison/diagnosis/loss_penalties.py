"""Penalties that code may add to the loss it reports: of other parameters, or in another form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import samples

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Added:
    """What is added to the data's loss, as it is told behind it; 0 where that is empty."""

    text: str
    of: Callable[[Scope[Any]], float]
    cost: float = 0.0


def as_declared(scope: Scope[Any]) -> float:
    """The declared penalties."""
    values = scope.values.items()
    return float(sum(float(v) for key, v in values if key.startswith("penalty/")))


def penalised(target: Target) -> Iterator[Added]:
    """The penalties that are declared, none, multiples of them, and those of another form."""
    if not target.network.penalties:
        yield Added("", lambda scope: 0.0)
        return
    yield Added(" + the penalties", as_declared)
    yield Added(" without the penalties", lambda scope: 0.0, 0.1)
    for text, times in (("0.5 * ", 0.5), ("2 * ", 2.0), ("-1 * ", -1.0)):
        yield multiple(text, lambda s, c=times: c)  # type: ignore[misc] # bound now
    yield Added(" + the penalties / n", lambda s: as_declared(s) / samples(s), 0.2)
    yield multiple("n * ", lambda s: float(samples(s)))
    yield Added(" + 0.5 * the penalties / n", lambda s: 0.5 * as_declared(s) / samples(s), 0.25)


def multiple(text: str, times: Callable[[Scope[Any]], float]) -> Added:
    """So many times the declared penalties."""
    return Added(f" + {text}the penalties", lambda s: times(s) * as_declared(s), 0.2)


def others(target: Target) -> Iterator[Added]:
    """Penalties on other parameters, or in another form, with the declared coefficients."""
    network = target.network
    own = [name for name in network.parameters if network.penalty_on(name).orders()]
    rest = [name for name in network.parameters if name not in own]
    if not own:
        return
    for text, names in sets(own, rest):
        yield Added(f" + the penalties, {text}", formed(target, own[0], names, "square"), 0.2)
    for form, text in FORMS.items():
        told = text.format("each parameter" if rest == [] else "each kernel")
        yield Added(f" + the penalties, with {told}", formed(target, own[0], own, form), 0.2)


def sets(own: Sequence[str], rest: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Which parameters may be penalised in the place of the declared ones."""
    if rest:
        yield "on the biases too", [*own, *rest]
        yield "on the biases alone", rest
    for name in rest:
        yield f"on {name} too", [*own, name]
    if len(own) > 1:
        for name in own:
            yield f"without that of {name}", [each for each in own if each != name]
        for name in own:
            yield f"of {name} alone", [name]
        for name in own:
            yield f"of {name} once for each layer ({len(own)} times)", [name] * len(own)
        for name in own:
            yield f"of {name} twice", [*own, name]


FORMS = {
    "norm": "sqrt(sum of W**2) of {} for sum of W**2",
    "square of sum": "(sum of W)**2 of {} for sum of W**2",
    "sum": "the sum of {} for its sum of squares, or of absolute values",
    "abs of sum": "the absolute value of the sum of {} for its sum of absolute values",
    "swapped": "the sum of absolute values of {} where that of squares is declared, and the "
    "reverse",
    "mean": "the mean over the elements of {} for the sum",
    "largest": "the largest element of {} for the sum",
    "norm of all": "sqrt of the sum over all of them",
}


def formed(
    target: Target, like: str, names: Sequence[str], form: str
) -> Callable[[Scope[Any]], float]:
    """The penalties on these parameters, each squared or in another form."""
    network = target.network

    def value(scope: Scope[Any]) -> float:
        found = 0.0
        for name in names:
            penalty = network.penalty_on(name)
            if not penalty.orders():  # of one that has none it is that of the others
                penalty = network.penalty_on(like)
            w = np.asarray(scope.parameters[name], np.float64)
            squares, sizes = parts(w, form)
            divisor = penalty.divisor(samples(scope))
            found += (penalty.l2 * squares + penalty.l1 * sizes) / divisor
        return float(np.sqrt(found)) if form == "norm of all" else found

    return value


def parts(w: Values, form: str) -> tuple[float, float]:
    """What stands for ΣW² and for Σ|W|."""
    squares, sizes = float((w**2).sum()), float(np.abs(w).sum())
    total = float(w.sum())
    found: Mapping[str, tuple[float, float]] = {
        "norm": (squares**0.5, squares**0.5),
        "square of sum": (total**2, total**2),
        "sum": (total, total),
        "abs of sum": (abs(total), abs(total)),
        "swapped": (sizes, squares),
        "mean": (squares / w.size, sizes / w.size),
        "largest": (float((w**2).max()), float(np.abs(w).max())),
    }
    return found.get(form, (squares, sizes))
