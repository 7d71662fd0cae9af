"""The bounds at every point of a record: the definition evaluated in balls, once for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, sqrt
from typing import cast

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.statistical import Spreads, shifts_to, spreads_at
from backproof.comparison.bounds.vacuity import Watch
from backproof.comparison.judging.rows import Grade
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.implementations import frameworks
from backproof.implementations.host.mapped import LARGE, let_go, mapped, moved
from backproof.mathematics.arithmetic.balls.ball import Ball, widened
from backproof.mathematics.arithmetic.balls.half import balls_of
from backproof.mathematics.arithmetic.balls.operations import L1, BallOps
from backproof.mathematics.arithmetic.rounding.forms import LOGITS
from backproof.mathematics.arithmetic.rounding.model import Rounding, inflated
from backproof.mathematics.arithmetic.rounding.traits import NUMPY, Traits
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.measure import undecided
from backproof.mathematics.definition.sites import Intervention, Scope, unchanged
from backproof.mathematics.definition.step import recovered, step

Values = NDArray[np.floating]
Key = tuple[Rounding, bool, Point]
"""The model, whether gradients are recovered from the step, and where."""

# Pieces of a step beside its samples: two penalties, two slots.
PIECES = 4

# A demand on strength, not a tolerance: a comparison that would let an error of an eighth of the
# largest element pass has shown nothing.
WEAKEST_POWER = 1 / 8
# So many digits a worst case is asked for in float64: random rounding errors have twelve at sizes
# at which it is left with eight.
MANY_DIGITS = 1e-10


@dataclass(frozen=True, eq=False)
class Bound:
    """Values of the definition and radii by name at one point, and the samples left open."""

    values: dict[str, Values]
    radii: dict[str, Values]
    open_samples: NDArray[np.intp]

    @property
    def large(self) -> bool:
        """Whether it is not to be kept for long."""
        return any(array.nbytes >= LARGE for array in self.values.values())

    def widest(self) -> dict[str, float]:
        """The largest radius of each tensor."""
        return {name: float(radius.max()) for name, radius in self.radii.items()}

    def narrowed(self, other: Bound | None) -> Bound:
        """With the smaller radius of each element: both bounds hold."""
        if other is None:
            return self
        radii = {
            name: np.fmin(radius, other.radii[name]) if name in other.radii else radius
            for name, radius in self.radii.items()
        }
        return replace(self, radii=mapped(radii))

    @property
    def weakest(self) -> float:
        """The power of the weakest comparison of two such implementations."""
        return max(map(self.power, self.radii), default=0.0)

    def power(self, name: str) -> float:
        """4·max radius / max |value|: that of a comparison of two such implementations."""
        widest = 4 * float(self.radii[name].max(initial=0.0))
        largest = float(np.abs(self.values[name]).max(initial=0.0))
        return (widest / largest if largest else inf) if widest else 0.0


@dataclass(frozen=True, eq=False)
class Statistical:
    """Bounds of random rounding errors: of all right code, and of what goes the definition's way.

    ``sites``: those of `spreads_at`, where a unit may take either side of a kink. ``unknown``: by
    name, why nothing is known of some element.
    """

    every_way: Bound
    one_way: Bound
    sites: dict[str, Ball]
    unknown: dict[str, str]


@dataclass(frozen=True)
class Conventions:
    """What is granted to a subject that needs it: usual forms, and its subgradients at kinks."""

    at_kinks: tuple[tuple[str, float], ...] = ()
    """By function, or "l1": see `Rounding`."""

    @property
    def told(self) -> str:
        """What is said of a comparison that was made with them."""
        chosen = ", ".join(
            f"{2 * share - 1:g} for |w|" if name == L1 else f"{share:g} for {name}"
            for name, share in self.at_kinks
        )
        of_kinks = f", with another subgradient at exact kinks ({chosen})" * bool(chosen)
        return f"right in another usual form{of_kinks}: docs/bounds.md, {TITLE}"


TITLE = "Forms that need no declaration"


class Bounds:
    """The bounds of one record, computed when they are first asked for, and kept.

    Of those that are large only the last point's are, and what is asked for at several points.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.idle: dict[tuple[str, int], dict[str, str]] = {}
        """By point and step, the tensors that it does not exercise, each with the reason."""
        self.granted: Conventions | None = None
        """What the subject is judged with, beside its declarations."""
        self._roundings: dict[tuple[str, Conventions | None], Rounding] = {}
        self._spread: dict[Key, Statistical] = {}
        self._known: dict[Key, Bound] = {}
        self._widest: dict[tuple[Grade, Key], dict[str, float]] = {}
        self._large = False
        self._alive: set[str] = set()
        self._arithmetics: dict[Rounding, BallOps] = {}

    def _arithmetic(self, rounding: Rounding) -> BallOps:
        if rounding not in self._arithmetics:
            self._arithmetics[rounding] = balls_of(rounding)
        return self._arithmetics[rounding]

    def rounding(self, implementation: str) -> Rounding:
        """The rounding model that the implementation declares in this dtype, with its form.

        What is declared of functions that the network does not have is left out, so that models
        are the same without.
        """
        key = implementation, self.granted
        if key not in self._roundings:
            self._roundings[key] = self._declared(implementation)
        return self._roundings[key]

    def _declared(self, implementation: str) -> Rounding:
        known = implementation in self.record.calibrated
        model = Rounding.declared(traits_of(implementation), self.record.dtype, calibrated=known)
        here = self.record.network.functions
        kinks, slopes = (
            tuple(name for name in names if name in here) for names in (model.kinks, model.slopes)
        )
        form = self.record.forms.get(implementation, LOGITS)
        model = replace(model, form=form, kinks=kinks, slopes=slopes)
        if implementation != SUBJECT:
            return model
        if self.granted is not None:
            model = model.in_any_form(self.granted.at_kinks)
        return replace(model, absolute=tuple(sorted(self.record.accuracy.items())))

    def with_float32_coefficients(
        self, implementation: str, point: Point, grade: Grade | None = None
    ) -> Bound | None:
        """The same, if it holds its coefficients as `Traits.coefficients` says."""
        unit = traits_of(implementation).coefficients
        if unit <= Rounding.of(self.record.dtype).unit:
            return None
        rounding = replace(self.rounding(implementation), coefficients=unit)
        if grade is Grade.STATISTICAL:
            return self._random(rounding, False, point).every_way
        return bound_of(self.record, point, balls_at(self.record, balls_of(rounding), point))

    def graded(self, implementation: str, point: Point, grade: Grade | None) -> Bound:
        """The bound by which a comparison of that grade was judged."""
        if grade is Grade.STATISTICAL:
            return self.statistical(implementation, point)
        return self.at(implementation, point)

    def at(
        self,
        implementation: str,
        point: Point,
        *,
        same_branches: bool = False,
        conventions: Conventions | None = None,
    ) -> Bound:
        """How far that implementation may lie from the exact result at that point.

        ``same_branches``: if it takes the definition's side at every kink. ``conventions``: with
        these, whatever is granted.
        """
        rounding = self.rounding(implementation)
        if conventions is not None:
            rounding = rounding.in_any_form(conventions.at_kinks)
        if same_branches:
            rounding = rounding.on_same_branches()
        key = self._key(implementation, point, rounding)
        if key not in self._known:
            if self._large:
                self._make_room(point)
            self._known[key] = self._compute(rounding, point, recovers=key[1])
            self._large = self._known[key].large
        return self._known[key]

    def statistical(
        self, implementation: str, point: Point, *, same_branches: bool = False
    ) -> Bound:
        """The same, by random rounding errors: correct code exceeds it at the record's chance."""
        found = self._random(*self._key(implementation, point, self.rounding(implementation)))
        return found.one_way if same_branches else found.every_way

    def along(
        self, implementation: str, point: Point, given: Sequence[Mapping[str, Values]]
    ) -> Bound | None:
        """The same along the way that all of these have gone; None if it is the definition's."""
        rounding, recovers, _ = self._key(implementation, point, self.rounding(implementation))
        known = self._random(rounding, recovers, point)
        shifts = shifts_to(self.record.network, known.sites, given)
        if not shifts:
            return None
        found = spreads_at(self.record, rounding, point, recovers=recovers, shifts=shifts)
        return bound_of(self.record, point, found.one_way)

    def _random(self, rounding: Rounding, recovers: bool, point: Point) -> Statistical:
        key = (rounding, recovers, point)
        if key not in self._spread:
            if self._large:
                self._make_room(point)
            found = spreads_at(self.record, rounding, point, recovers=recovers)
            known = self._known.get(key)
            every_way = bound_of(self.record, point, found.tensors).narrowed(known)
            one_way = every_way
            if found.opened:
                one_way = bound_of(self.record, point, found.one_way).narrowed(known)
            sites = found.sites if found.opened else {}
            self._spread[key] = Statistical(every_way, one_way, sites, found.unknown)
            self._reconsider(found, rounding, point)
        return self._spread[key]

    def _reconsider(self, found: Spreads, rounding: Rounding, point: Point) -> None:
        """What the worst case cannot tell from 0, may be exercised all the same."""
        watch = Watch(self.record.network, self._alive)
        watch.seen = found.sites | found.tensors
        for name in self.record.network.parameters:
            # As large as all parameters: it is not carried through every replica for that.
            moved = self.record.parameters[point][name] - found.tensors[f"updated/{name}"].value
            watch.seen[f"change/{name}"] = Ball(moved, None)
        with np.errstate(all="ignore"):
            idle = watch.idle(self._arithmetic(rounding), found.tensors)
        known = self.idle.get((point.name, point.step), {})
        self.idle[point.name, point.step] = {
            name: reason for name, reason in known.items() if name in idle
        }

    def best(self, implementation: str, point: Point) -> Bound:
        """The narrowest bound that was derived there."""
        found = self._spread.get(self._key(implementation, point, self.rounding(implementation)))
        return self.at(implementation, point) if found is None else found.every_way

    def changed(self, implementation: str, point: Point, change: Intervention) -> Bound | None:
        """The bound of a definition with changes, by random errors, where these were asked for."""
        rounding, recovers, _ = key = self._key(
            implementation, point, self.rounding(implementation)
        )
        if key not in self._spread:
            return None
        found = spreads_at(
            self.record, rounding, point, recovers=recovers, watched=(), change=change, few=True
        )
        return bound_of(self.record, point, found.tensors)

    def unknown(self, implementation: str, point: Point, name: str) -> str:
        """Why random rounding errors say nothing of a tensor; "" where they do."""
        kept = self._spread.get(self._key(implementation, point, self.rounding(implementation)))
        return kept.unknown.get(name, "") if kept else ""

    def _key(self, implementation: str, point: Point, rounding: Rounding) -> Key:
        return rounding, self.record.recovered and implementation == SUBJECT, point

    def _make_room(self, point: Point) -> None:
        """Forget large bounds at other points, but for what `widest` is asked of them.

        And let go of the memory that this point's arrays take up in files.
        """
        for key, bound in list(self._known.items()):
            if bound.large and key[2] != point:
                self._widest[Grade.PROVEN, key] = self._known.pop(key).widest()
            else:
                let_go(bound.values)
                let_go(bound.radii)
        for key, found in list(self._spread.items()):
            if found.every_way.large and key[2] != point:
                self._widest[Grade.STATISTICAL, key] = self._spread.pop(key).every_way.widest()
            else:
                for bound in (found.every_way, found.one_way):
                    let_go(bound.values)
                    let_go(bound.radii)
        self.record.let_go(point)

    def widest(
        self, implementation: str, point: Point, grade: Grade | None = None
    ) -> dict[str, float]:
        """The largest radius of each tensor of an implementation at a point."""
        key = (
            grade or Grade.PROVEN,
            self._key(implementation, point, self.rounding(implementation)),
        )
        if key not in self._widest:
            self._widest[key] = self.graded(implementation, point, grade).widest()
        return self._widest[key]

    def _compute(self, rounding: Rounding, point: Point, *, recovers: bool) -> Bound:
        ops = self._arithmetic(rounding)
        if rounding.same_branches:
            balls = balls_at(self.record, ops, point, recovers=recovers)
            return bound_of(self.record, point, balls)
        watch = Watch(self.record.network, self._alive)
        balls = balls_at(self.record, ops, point, watch, recovers=recovers)
        with np.errstate(all="ignore"):
            self.idle[point.name, point.step] = watch.idle(ops, balls)
        return bound_of(self.record, point, balls)

    def sites(self, implementation: str, point: Point) -> dict[str, Ball]:
        """Every named site of the definition at a point, in the order of computation."""
        seen: dict[str, Ball] = {}

        def noted(name: str, value: Ball, scope: object) -> Ball:
            seen[name] = in_files(value)
            return value

        balls_at(self.record, self._arithmetic(self.rounding(implementation)), point, noted)
        return seen

    def random_sites(self, implementation: str, point: Point) -> dict[str, Ball]:
        """The same where rounding errors are random."""
        rounding = self.rounding(implementation)
        return spreads_at(self.record, rounding, point, recovers=False, watched=("",)).sites

    def prepare(self, *implementations: str) -> None:
        """Compute all bounds now: while the workers are busy, say. Large ones only when needed."""
        for implementation in implementations:
            for point in self.record.parameters:
                bound = self.at(implementation, point)
                if bound.large:
                    return
                if self.record.chance and bound.weakest > enough(self.record.dtype) / 2:
                    self.statistical(implementation, point)


def enough(dtype: str) -> float:
    """The power from which on a worst case is not asked for more: half of the dtype's digits."""
    return MANY_DIGITS if dtype == "float64" else sqrt(Rounding.of(dtype).unit)


def in_files(ball: Ball) -> Ball:
    """The same ball, its arrays in files where they are large."""
    if ball.value.nbytes < LARGE:
        return ball
    return Ball(moved(ball.value), None if ball.radius is None else moved(ball.radius))


def traits_of(implementation: str) -> Traits:
    """What an implementation declares; the subject is charged as NumPy."""
    return NUMPY if implementation == SUBJECT else frameworks.traits(implementation)


def balls_at(
    record: Record,
    ops: BallOps,
    point: Point,
    intervene: Intervention = unchanged,
    before: Sequence[Mapping[str, Ball]] = (),
    *,
    recovers: bool = False,
) -> dict[str, Ball]:
    """The definition, or one with changes, in balls at a point of a record.

    ``recovers``: the gradients are those that are recovered from the step.
    """
    network, state, batch = record.network, record.parameters[point], record.batch(point)
    if ops.rounding.any_form:
        intervene = in_pieces(intervene)
    with np.errstate(all="ignore"):  # an overflow becomes an infinite radius, and is reported
        balls: dict[str, Ball] = evaluate(ops, network, state, batch, intervene, before)
        balls |= step(ops, network, state, balls, record.optimizer, intervene, before, batch)
        if recovers:
            balls |= recovered(ops, network, state, balls, record.optimizer.learning_rate)
        for (
            name,
            error,
        ) in ops.rounding.absolute:  # of a quantity; that of a function is in its rule
            if name in balls:
                balls[name] = widened(balls[name], error * inflated(2))
    return balls


def in_pieces(intervene: Intervention) -> Intervention:
    """Before another change: a step is taken off W in as many pieces as there are terms to it.

    W − ηg₁ − ηg₂ − … rounds at the size of W for each sample, for each penalty, for what the slots
    give and for the gradient; what the pieces round themselves, a sum of them in any order, is in
    the radius of the gradient.
    """

    def change(name: str, value: Ball, scope: Scope[Ball]) -> Ball:
        if name.startswith("change/") and scope.batch is not None:
            parameter = name.removeprefix("change/")
            pieces = scope.network.rows(len(scope.batch.inputs)) + PIECES
            w = scope.ops.exact(scope.parameters[parameter])
            value = charged_at(scope.ops, value, w, pieces)
        return cast(Ball, intervene(name, value, scope))

    return change


def bound_of(record: Record, point: Point, balls: Mapping[str, Ball]) -> Bound:
    """Values, radii and open samples of an evaluation in balls."""
    last = balls[f"activation/{record.network.last.name}"]
    unsure = (
        undecided(record.network, last.value, radius_of(last))
        if record.network.decision
        else np.zeros(record.network.rows(len(last.value)), bool)
    )
    names = [name for name in record.names(point) if name in balls]
    return Bound(
        values=mapped({name: balls[name].value for name in names}),
        radii=mapped({name: radius_of(balls[name]) for name in names}),
        open_samples=np.flatnonzero(unsure),
    )


def radius_of(ball: Ball) -> Values:
    """The radius as an array; infinite where the value itself overflowed."""
    radius = np.zeros_like(ball.value) if ball.radius is None else ball.radius
    with np.errstate(over="ignore", invalid="ignore"):
        finite = isfinite(float(ball.value.sum())) and isfinite(float(radius.sum()))
    if finite:
        return radius
    return np.where(np.isfinite(ball.value) & np.isfinite(radius), radius, np.inf)


def bounded(ball: Ball) -> bool:
    """Whether value and radius are finite throughout."""
    return bool(np.isfinite(ball.value).all()) and (
        ball.radius is None or bool(np.isfinite(ball.radius).all())
    )


def distance(name: str, computed: Values, bound: Bound) -> float:
    """How far an implementation lies from the definition, relatively to the largest element.

    0 if it may be right: a correct one and the definition's value are each within the radius of the
    exact result. More than that proves it wrong, whatever it is compared with.
    """
    if name not in bound.values:
        return 0.0
    value = bound.values[name]
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.abs(computed - value)
        if (gap <= 2 * bound.radii[name]).all():
            return 0.0
        return float(gap.max() / (np.abs(value).max() or 1))
