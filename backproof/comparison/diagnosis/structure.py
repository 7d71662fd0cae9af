"""Structure: what can be said of numbers that no fault of the catalogue explains.

The first tensor that diverges in the order of computation, and how its numbers lie to the right
ones: a constant ratio, a multiple of the parameter too many, another order, some rows or columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.relations import relations
from backproof.comparison.diagnosis.search import by_size
from backproof.comparison.record.record import SUBJECT, Point
from backproof.mathematics.arithmetic.rounding.model import U64, held_in
from backproof.mathematics.network.quantities import split

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Ways in which a matrix comes out in another order.
ORDERS: dict[str, Callable[[Values], Values]] = {
    "transposed": lambda x: x.T,
    "reshaped from its transpose": lambda x: x.T.reshape(x.shape),
    "with its rows in reverse order": lambda x: x[::-1],
    "with its columns in reverse order": lambda x: x[:, ::-1],
    "with its rows off by one": lambda x: np.roll(x, 1, axis=0),
    "with its rows off by one, backwards": lambda x: np.roll(x, -1, axis=0),
    "with its columns off by one": lambda x: np.roll(x, 1, axis=1),
    "with its columns off by one, backwards": lambda x: np.roll(x, -1, axis=1),
}
# So many indices are named; of more, the first ones.
MOST_NAMED = 6


@dataclass(frozen=True, eq=False)
class Seen:
    """One tensor at one point: as computed, as it should be, and within which bound."""

    actual: Values
    right: Values
    radius: Values
    parameter: Values | None

    @classmethod
    def of(cls, evidence: Evidence, name: str, point: Point) -> Seen | None:
        """The tensor of that name; None if it is no tensor, or not finite."""
        bound, actual = evidence.right(point), evidence.given[point][name]
        if name not in bound.values or not np.isfinite(actual).all():
            return None
        parameter = evidence.record.parameters[point].get(split(name)[1])
        return cls(
            np.asarray(actual, np.float64),
            np.asarray(bound.values[name], np.float64),
            np.asarray(bound.radii[name], np.float64),
            None if parameter is None else np.asarray(parameter, np.float64),
        )

    @property
    def wrong(self) -> Flags:
        """Which elements are off."""
        return np.asarray(np.abs(self.actual - self.right) > 2 * self.radius)


def described(evidence: Evidence) -> str:
    """What is known of the first tensor that diverges, and what lies before it."""
    name = first(evidence)
    points = [point for point in by_size(evidence) if name in evidence.off[point]]
    seen = [s for point in points if (s := Seen.of(evidence, name, point)) is not None]
    ways = chain(form_of(evidence, name, seen), narrower(evidence, seen), facts(name, seen))
    told = next(ways, "") if seen else ""
    place = places(evidence)
    earlier = any(place[other] < place[name] for other in evidence.names(points[0]))
    before = " and what comes before it matches" if earlier else ""
    return f"the first tensor to diverge is {name}{before}" + (f": {told}" if told else "")


def places(evidence: Evidence) -> dict[str, tuple[int, str]]:
    """The place of every tensor in the order of computation."""
    order = enumerate(relations(evidence.record))
    return {name: (i, name) for i, relation in order for name in relation.names}


def first(evidence: Evidence) -> str:
    """The first tensor in the order of computation that is off anywhere.

    Forwards by layer, then the loss, backwards from the last layer, then slots, the step, measures.
    """
    place = places(evidence)
    return min({n for names in evidence.off.values() for n in names}, key=lambda n: place[n])


def form_of(evidence: Evidence, name: str, seen: list[Seen]) -> Iterator[str]:
    """Whether an activation is right but for a form that loses the digits of small elements.

    So is a sigmoid that is taken of a tanh; or a tanh as 2·σ(2z) − 1, which errs the most: by twice
    the charge on σ, and the difference rounds.
    """
    quantity, layer = split(name)
    model = evidence.bounds.rounding(evidence.who)
    most = 2 * model.charge("sigmoid") + model.unit
    worst = max(float(np.abs(each.actual - each.right).max()) for each in seen)
    if evidence.who != SUBJECT or quantity != "activation" or worst > most:
        return
    nodes = evidence.record.network.nodes
    function = next(node.layer.function for node in nodes if node.name == layer)
    if function is None or function.PIECEWISE_LINEAR:
        return
    yield (
        f"it is off by {worst:.2g} at most, which is much only of elements that are small, as if "
        f"{function.name} were computed from numbers near 1; where that is meant, declare it: "
        f'adapters.declared(subject, {{"{function.name}": {most:.3g}}})'
    )


def facts(name: str, seen: list[Seen]) -> Iterator[str]:
    """What is true of a tensor wherever it is off, the most telling first."""
    common = agreed([ratio(each.actual, each.right, each.radius) for each in seen])
    if common is not None:
        more = f"it is larger by a share of {common - 1:.3g} than it should be"
        yield more if abs(common - 1) < 1e-5 else f"it is {common:.6g} times what it should be"
    if split(name)[0] == "gradient":
        shares = [
            ratio(each.actual - each.right, each.parameter, each.radius)
            for each in seen
            if each.parameter is not None and each.parameter.any()
        ]
        if (common := agreed(shares)) is not None:
            yield (
                f"it has {common:.6g} times the parameter too much: a penalty that the network "
                "does not declare so"
            )
    for told, order in ORDERS.items():
        if all(ordered(order, each) for each in seen):
            yield f"it is {told}"
    if all(same_elements(each) for each in seen):
        yield "it has the right elements in another order"
    yield from concerned(name, [each.wrong for each in seen])


def narrower(evidence: Evidence, seen: list[Seen]) -> Iterator[str]:
    """Whether every number of a tensor is one of a dtype of fewer digits, and off by no more."""
    own = np.finfo(held_in(evidence.record.dtype)).eps
    for dtype in (np.float16, np.float32):
        eps = float(np.finfo(dtype).eps)
        with np.errstate(over="ignore"):  # what is too large for it is not one of its numbers
            few = all(np.array_equal(each.actual.astype(dtype), each.actual) for each in seen)
        whole = all(np.array_equal(np.round(each.actual), each.actual) for each in seen)
        near = all(
            (np.abs(each.actual - each.right) <= 64 * eps * np.abs(each.right).max()).all()
            for each in seen
        )
        if own < eps and few and near and not whole:
            kept = dtype.__name__
            yield f"all its numbers are {kept} numbers: it is rounded to {kept}, or kept in it"
            return


def ratio(actual: Values, right: Values, radius: Values) -> float | None:
    """c if actual is c times right within the bound, and right is not too small to tell."""
    size = float(np.vdot(right, right))
    if not size or np.abs(right).max() <= 64 * radius.max():
        return None
    c = float(np.vdot(right, actual)) / size
    # Each is off by its radius, and c by the rounding of the two products it is made of.
    allowed = 2 * (1 + abs(c)) * radius + right.size * U64 * np.abs(c * right)
    return c if bool((np.abs(actual - c * right) <= allowed).all()) else None


def agreed(ratios: list[float | None]) -> float | None:
    """The ratio that all have in common, to the six digits that are told, unless it is 1."""
    known = [c for c in ratios if c is not None]
    if not known or len(known) < len(ratios):
        return None
    spread = max(known) - min(known)
    return known[0] if spread <= 1e-6 * abs(known[0]) and known[0] != 1 else None


def ordered(order: Callable[[Values], Values], seen: Seen) -> bool:
    """Whether a matrix is the right one in another order, which is not its own."""
    if seen.actual.ndim != 2:
        return False
    other, widths = order(seen.right), 2 * order(seen.radius)
    return other.shape == seen.actual.shape and bool((np.abs(seen.actual - other) <= widths).all())


def same_elements(seen: Seen) -> bool:
    """Whether two arrays hold the same numbers within the widest bound, but in other places."""
    widest = 2 * seen.radius.max()
    gaps = np.abs(np.sort(seen.actual, None) - np.sort(seen.right, None))
    in_place = (np.abs(seen.actual - seen.right) <= widest).all()
    return seen.actual.size > 1 and bool((gaps <= widest).all()) and not in_place


def concerned(name: str, masks: list[Flags]) -> Iterator[str]:
    """The rows, columns or elements that are off, if they are the same wherever it is."""
    rows, columns = ("samples", "units") if name.startswith("activation") else ("rows", "columns")
    if masks[0].ndim == 0:
        return
    if len({mask.shape for mask in masks}) > 1:  # batches of several sizes have the units in common
        rows, masks = "", [np.asarray(mask.any(axis=0, keepdims=True)) for mask in masks]
    wrong = np.logical_or.reduce(masks)
    if wrong.sum() == 1 < wrong.size and rows:
        yield f"one element alone is off, at {tuple(int(i) for i in np.argwhere(wrong)[0])}"
    for what, axis in ((rows, 1), (columns, 0)) if wrong.ndim == 2 else (("elements", 1),):
        lines = wrong if wrong.ndim == 1 else wrong.any(axis=axis)
        hit = np.flatnonzero(lines)
        if what and 0 < len(hit) < len(lines):
            named = ", ".join(map(str, hit[:MOST_NAMED])) + (", …" if len(hit) > MOST_NAMED else "")
            yield f"only {what} {named} of {len(lines)} are off"
