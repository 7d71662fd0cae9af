"""Readings of the loss that is reported: which loss it is, by which divisor, with which penalties.

The gradient is not computed from the loss's value: what is wrong here alone is told as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.factors import FACTORS, Factor, factor_of
from backproof.comparison.diagnosis.loss_batches import takings
from backproof.comparison.diagnosis.loss_edits import edits
from backproof.comparison.diagnosis.loss_penalties import Added, as_declared, others, penalised
from backproof.comparison.diagnosis.loss_sums import Total, bracketed, plain, totals
from backproof.comparison.diagnosis.loss_terms import AtLoss, own_summand, summands
from backproof.comparison.diagnosis.reading import FAMILY, Reading
from backproof.comparison.diagnosis.reading_batch import of_batch
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Fault, Kind, Target
from backproof.mathematics.faults.changes import samples

T = Any
Values = NDArray[np.float64]

# A rate has no place in a loss: a number that happens to equal it is told as a number.
RATE = float("nan")
# So many of what fits are followed.
MOST = 8


@dataclass(frozen=True, eq=False)
class Seen:
    """The loss that is reported at some points, and what code has there."""

    places: list[AtLoss]
    scopes: list[Scope[Any]]
    actual: Values
    allowed: Values
    numbers: Values
    """The numbers of `FACTORS` (factors, points)."""
    known: dict[Added, Values] = field(default_factory=dict)

    @classmethod
    def of(cls, views: Sequence[View], target: Target) -> Seen:
        """What views show."""
        network = target.network
        known = [known_at(network, view.samples, RATE) for view in views]
        return cls(
            [AtLoss.of(v.scope, network, k) for v, k in zip(views, known, strict=True)],
            [view.scope for view in views],
            np.array([float(view.given["loss"]) for view in views]),
            np.array([float(view.allowed("loss")) for view in views]),
            np.array([[factor.of(k) for k in known] for factor in FACTORS]),
        )

    def among(self, chosen: Sequence[int]) -> Seen:
        """Some of the points."""
        return Seen(
            [self.places[i] for i in chosen],
            [self.scopes[i] for i in chosen],
            self.actual[list(chosen)],
            self.allowed[list(chosen)],
            self.numbers[:, list(chosen)],
        )

    def sums(self, total: Total) -> Values:
        """A total at every point."""
        with np.errstate(all="ignore"):
            return np.array([total.of(place) for place in self.places])

    def added(self, added: Added) -> Values:
        """Penalties at every point."""
        if added not in self.known:  # they go with many totals
            self.known[added] = np.array([added.of(scope) for scope in self.scopes])
        return self.known[added]


def read_loss(target: Target, views: Sequence[View], share: float) -> Iterator[Reading]:
    """The loss that is reported as another one than is declared."""
    views = [view for view in views if view.shown("loss") is not None]
    if not views:
        return
    seen = Seen.of(views, target)
    hits = sorted(found(target, seen, share), key=lambda each: each.cost)
    yield from hits[:MOST]


def found(target: Target, seen: Seen, share: float) -> Iterator[Reading]:
    """Another penalty of the same loss; another loss; another formula, which is looked for last."""
    weighted = any(place.weights is not None for place in seen.places)
    own, added = own_summand(target), list(penalised(target))
    whole = plain(own, weighted=weighted)
    hit = False
    for total, among in [
        (whole, [*added, *others(target)]),
        *((plain(each, weighted=weighted), added) for each in summands(target)),
        *((each, added) for each in totals(own, weighted=weighted)),
        *(
            (plain(own, weighted=weighted, taken=taken), added)
            for taken in takings(target, weighted=weighted)
            if not taken.of_slope
        ),
    ]:
        for made in fits(target, seen, total, among, share):
            hit = True
            yield made
    for total in () if hit else guarded_takings(target, seen, added, share, weighted=weighted):
        for made in fits(target, seen, total, added, share):
            hit = True
            yield made
    if not hit:
        among = list(multiples(target, seen, whole))
        for made in fits(target, seen, whole, among, share):
            hit = True
            yield made
    if hit:
        return
    for made in of_whole(target, seen, whole, added[0]):
        hit = True
        yield made
    if hit:
        return
    for summand in summands(target):
        for total in () if "log(" in summand.text else totals(summand, weighted=weighted):
            yield from fits(target, seen, total, added[:1], share)
    yield from of_classes(target, seen, added[0])
    divisors = np.array([declared_factor(target, s.known) for s in seen.places])
    rest = (seen.actual - seen.added(added[0])) / divisors
    for summand in () if weighted else edits(target, seen.places, rest):
        yield from fits(target, seen, plain(summand, weighted=False), added[:1], share)


def guarded_takings(
    target: Target, seen: Seen, added: Sequence[Added], share: float, *, weighted: bool
) -> Iterator[Total]:
    """Another batch and a guard of the logarithm, for those that fit where a guard does nothing."""
    guards = [each for each in summands(target) if each.guards]
    calm = seen.among([i for i, place in enumerate(seen.places) if moderate(place)])
    if not guards or len(calm.places) < 3:
        return
    own = own_summand(target)
    for taken in takings(target, weighted=weighted):
        whole = plain(own, weighted=weighted, taken=taken)
        if not taken.of_slope and any(fits(target, calm, whole, added, share)):
            yield from (plain(each, weighted=weighted, taken=taken) for each in guards)


def moderate(place: AtLoss) -> bool:
    """Whether no probability is near 0 or 1."""
    return bool((np.abs(place.a - 0.5) < 0.5 - 1e-4).all())


def fits(
    target: Target, seen: Seen, total: Total, among: Sequence[Added], share: float
) -> Iterator[Reading]:
    """A total with each of some penalties, where it gives what is reported."""
    sums = seen.sums(total)
    if not np.isfinite(sums).all():
        return
    right = declared(target, seen)
    for added in among:
        rest = seen.actual - seen.added(added)
        factor = fitting_factor(seen, rest, sums, share)
        if factor is None:
            continue
        note = f" ({total.note})" if total.note else ""
        whole = factor.before(total.text, loose=False)
        same_everywhere = all(same(factor, target, place.known) for place in seen.places)
        if same_everywhere:
            whole = right.partition(" + ")[0].replace(declared_sum(target, seen), total.text)
        told = whole + note + added.text
        if told == right:
            continue
        cost = 1 + total.cost + added.cost + 0.3 * factor.found

        def value(
            s: AtLoss, scope: Scope[Any], factor: Factor = factor, added: Added = added
        ) -> float:
            return factor.of(s.known) * total.of(s) + added.of(scope)

        kind = f"the {target.network.loss.kind}"
        should = right.replace(kind, bracketed(total.right)) if total.right else right
        guard = total.minor and not added.cost and same_everywhere
        yield replace(of_loss(target, value, told, should, cost), minor=guard)
        if total.taken is not None and whole + added.text == right:
            yield of_batch(target, total.taken, cost)


def fitting_factor(seen: Seen, rest: Values, sums: Values, share: float) -> Factor | None:
    """The factor with which sums are what is left of the loss, at every point."""
    if not sums.any() or not (np.abs(rest) > seen.allowed).any():
        return None
    close = (np.abs(rest - seen.numbers * sums) <= seen.allowed).all(axis=1)
    if close.any():
        return FACTORS[int(np.argmax(close))]
    there = sums != 0
    if there.sum() < 2:
        return None
    known = [place.known for place, ok in zip(seen.places, there, strict=True) if ok]
    ratios, n = rest[there] / sums[there], np.array([each["n"] for each in known])
    # Any factor is the same at all points, or goes with a power of n.
    scaled = ratios * n[None] ** np.arange(-2.0, 3.0)[:, None]
    spread = scaled.max(axis=1) - scaled.min(axis=1)
    if not (spread <= 8 * share * np.abs(scaled).max(axis=1)).any():
        return None
    factor = factor_of([float(c) for c in ratios], known, share)
    if factor is None:
        return None
    numbers = np.array([factor.of(place.known) for place in seen.places])
    return factor if (np.abs(rest - numbers * sums) <= seen.allowed).all() else None


def multiples(target: Target, seen: Seen, whole: Total) -> Iterator[Added]:
    """The penalties with another number in front, the same at each point, or by n."""
    if not target.network.penalties:
        return
    factors = np.array([declared_factor(target, place.known) for place in seen.places])
    rest = seen.actual - factors * seen.sums(whole)
    own = np.array([as_declared(scope) for scope in seen.scopes])
    sizes = np.array([place.known["n"] for place in seen.places])
    for text, by in (("", np.ones_like(sizes)), (" / n", sizes)):
        with np.errstate(all="ignore"):
            doubt = seen.allowed / own * by
            best = int(np.argmin(np.where(np.isfinite(doubt), doubt, np.inf)))
            number = float(f"{rest[best] / own[best] * by[best]:.6g}")
        if number and (np.abs(rest - number * own / by) <= seen.allowed).all():

            def value(s: Scope[Any], number: float = number, by_n: bool = bool(text)) -> float:
                return number * as_declared(s) / (samples(s) if by_n else 1)

            yield Added(f" + {number:g} * the penalties{text}", value, 0.3)


def of_whole(target: Target, seen: Seen, own: Total, added: Added) -> Iterator[Reading]:
    """The loss that is declared, rounded or through a function."""

    def whole(s: AtLoss, scope: Scope[Any]) -> float:
        return declared_factor(target, s.known) * own.of(s) + added.of(scope)

    right = declared(target, seen)
    values = np.array([whole(s, scope) for s, scope in zip(seen.places, seen.scopes, strict=True)])
    for text, make in OF_WHOLE.items():
        with np.errstate(all="ignore"):
            made = np.array([make(each) for each in values])
        if (np.abs(made - seen.actual) <= seen.allowed).all():

            def value(s: AtLoss, scope: Scope[Any], make: Callable[[Any], Any] = make) -> float:
                return float(make(whole(s, scope)))

            yield of_loss(target, value, text.format(right), right, 1.2)


def of_classes(target: Target, seen: Seen, added: Added) -> Iterator[Reading]:
    """The declared loss with a weight of its own for each class, or for each output."""
    own, outputs = own_summand(target), target.network.outputs
    if outputs < 2 or any(place.weights is not None for place in seen.places):
        return
    by_class = target.network.loss_function.BY_ROW

    def parts(s: AtLoss) -> Values:
        """What each class, or output, has of the loss."""
        rows = own.of(s) * s.y if by_class else own.of(s)
        return np.asarray(declared_factor(target, s.known) * rows.sum(axis=0))

    with np.errstate(all="ignore"):
        given = np.array([parts(place) for place in seen.places])
    rest = seen.actual - seen.added(added)
    sound = np.isfinite(given).all(axis=1)
    if sound.sum() <= outputs + 1:
        return
    scaled = given[sound] / seen.allowed[sound, None], rest[sound] / seen.allowed[sound]
    weights = np.array([float(f"{w:.4g}") for w in np.linalg.lstsq(*scaled, rcond=None)[0]])
    if (weights == weights[0]).all() or (np.abs(given @ weights - rest) > seen.allowed).any():
        return
    right, what = declared(target, seen), "classes" if by_class else "outputs"
    told = f"{right}, with the {what} weighted {', '.join(f'{w:g}' for w in weights)}"

    def value(s: AtLoss, scope: Scope[Any]) -> float:
        return float(parts(s) @ weights) + added.of(scope)

    yield of_loss(target, value, told, right, 1.3)


OF_WHOLE: dict[str, Callable[[Any], Any]] = {
    **{
        f"round({{}}, {digits})": lambda x, d=digits: np.round(x, d)  # type: ignore[misc]
        for digits in range(12)
    },
    "float32({})": np.float32,
    "float16({})": np.float16,
    "int({})": np.trunc,
    "sqrt({})": np.sqrt,
    "-({})": np.negative,
    "exp({})": np.exp,
    "log({})": np.log,
    "({})**2": np.square,
    "1 / ({})": np.reciprocal,
    "min(1, {})": lambda x: np.minimum(x, 1.0),
}


def declared(target: Target, seen: Seen) -> str:
    """The declared loss as it is told here."""
    network = target.network
    loss = network.loss
    text = declared_sum(target, seen)
    over = [n for n, way in (("n", loss.batch), ("outputs", loss.outputs)) if way == "mean"]
    if network.loss_function.BY_ROW:
        over = [n for n in over if n != "outputs"]
    scale = "" if loss.scale == 1 else f"{loss.scale:g} * "
    divided = f" / {over[0]}" if len(over) == 1 else f" / ({' * '.join(over)})" if over else ""
    return f"{scale}{text}{divided}" + (" + the penalties" if network.penalties else "")


def declared_sum(target: Target, seen: Seen) -> str:
    """The sum in it."""
    weighted = any(place.weights is not None for place in seen.places)
    return f"sum of {'w * ' * weighted}the {target.network.loss.kind}"


def same(factor: Factor, target: Target, known: Any) -> bool:
    """Whether a factor is the declared one."""
    return abs(factor.of(known) / declared_factor(target, known) - 1) < 1e-12


def declared_factor(target: Target, known: Any) -> float:
    """What the sum over everything is multiplied by."""
    loss = target.network.loss
    return loss.scale / loss.divisor(int(known["n"]), int(known["outputs"]))


def of_loss(
    target: Target,
    value: Callable[[AtLoss, Scope[Any]], float],
    told: str,
    right: str,
    cost: float,
) -> Reading:
    """A loss that was read, as a change of the value that is reported alone.

    It is computed in floating point: see `Evidence` on what is no bound of its own.
    """
    network = target.network

    def change(reported: T, scope: Scope[T]) -> T:
        known = known_at(network, samples(scope), RATE)
        return np.asarray(value(AtLoss.of(scope, network, known), scope))

    sentence = f"the loss that is reported is another: {told}"
    fault = Fault(FAMILY, f"loss {told}", Kind.NUMERICAL, sentence, right, lambda of: iter(()))
    return Reading(fault, "", {"loss": change}, cost=cost)
