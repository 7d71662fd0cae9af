"""Tracing: the mistakes that explain the numbers one after another, in the order of computation.

The first relation that is violated is explained by a change of its own: one of the catalogue, or
one that is read from the numbers. With that change planted, all that follows from it is right, and
the next violated relation is the next mistake. Where several changes fit, the explanation by the
fewest and plainest is sought (a mistake made again in another layer costs next to nothing, for one
function serves them all). What nothing explains stands as it was computed, and is told as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from typing import Any

import numpy as np

from backproof.comparison.diagnosis.evidence import AsComputed, Evidence, Suspect
from backproof.comparison.diagnosis.reading import FAMILY, Reading
from backproof.comparison.diagnosis.reading_accuracy import read_accuracy
from backproof.comparison.diagnosis.reading_hidden import read_hidden
from backproof.comparison.diagnosis.readings import readings
from backproof.comparison.diagnosis.relations import (
    FORWARD,
    Relation,
    asked_for,
    concerns,
    relations,
)
from backproof.comparison.diagnosis.search import OVERHEAD, Screen, Values, by_size, telling
from backproof.comparison.diagnosis.shown import deltas_shown
from backproof.comparison.diagnosis.views import view
from backproof.comparison.record.record import DATA, Point
from backproof.mathematics.faults import Fault, Kind, Planted, Target, planted
from backproof.mathematics.probes.probes import SATURATING

# Of changes that give the same numbers throughout, so many are followed: in another layer one of
# them may be the same mistake again.
ALIKE = 2
# The multiplications that may be spent: some seconds.
MOST_WORK = 4_000_000_000
# What it costs to read a relation, in multiplications.
READING = 60_000_000
# So many states of the search are looked into, and changes of one state followed.
MOST_STATES, MOST_BRANCHES = 60, 8
# Points that the search screens: the first ones, and those that have disproved an explanation.
SCREENS, MOST_DISPROVING = 3, 4
# Points that the loss is read at beside those, of so many samples: it is one number at each.
FURTHER, MOST_SAMPLES = 8, 300
# Where the sites of a step alone begin.
STEPPED = ("change/", "updated/")
# What a relation that nothing explains costs, and a mistake that another layer has too.
UNREAD, AGAIN = 5.0, 0.2
# What a violated relation that is left may cost.
AHEAD = 0.9


@dataclass(frozen=True, eq=False)
class Trace:
    """What explains the numbers, as far as something does.

    ``unread``: the tensors that nothing explains; ``unjudged``: those of which that leaves nothing
    to say.
    """

    plants: tuple[Planted, ...]
    cost: float = 0.0
    unread: frozenset[str] = frozenset()
    unjudged: frozenset[str] = frozenset()
    points: tuple[Point, ...] | None = None
    disproved: frozenset[Point] = frozenset()
    """Points that have disproved what fits elsewhere."""

    @property
    def suspect(self) -> Suspect:
        return Suspect(self.plants)

    @property
    def mistakes(self) -> tuple[Planted, ...]:
        """The changes that were found."""
        return tuple(plant for plant in self.plants if not isinstance(plant, AsComputed))

    @property
    def whole(self) -> bool:
        """Whether everything is explained."""
        return not self.unread and not self.unjudged

    @property
    def key(self) -> frozenset[str]:
        """What it tells, in whatever order it was found."""
        return frozenset(plant.name for plant in self.plants) | self.silent

    @property
    def silent(self) -> frozenset[str]:
        """The tensors that are not looked at any more."""
        return self.unread | self.unjudged


@dataclass
class Tracer:
    """The search for one implementation."""

    evidence: Evidence
    screens: dict[Point, Screen] = field(default_factory=dict)
    most: int = MOST_WORK
    """The multiplications that may be spent."""
    work: int = 0
    """Those so far."""

    def __post_init__(self) -> None:
        record = self.evidence.record
        self.target = Target(record.network, record.optimizer, record.saturates)
        self.plants = [
            plant
            for plant in planted(record.network, record.optimizer, saturates=record.saturates)
            if not plant.moot
            and asked_for(plant, record)
            and not plant.fault.remembers
            and plant.fault.kind is not Kind.NUMERICAL
        ]
        self.alike = list(read_hidden(self.target))
        self.shared = list(shared(self.plants, record.network.last.name))
        self.relations = relations(record)
        self.order = {name: i for i, r in enumerate(self.relations) for name in r.names}
        shown = {name for point in self.evidence.points for name in self.evidence.given[point]}
        layers = {f"activation/{place.name}" for place in self.target.layers}
        self.hidden_forward = not layers <= shown
        self.further = further(self.evidence, chosen := screened(self.evidence))
        for point in chosen:
            self.screens[point] = Screen(self.evidence, point, tight=True)

    def trace(self) -> Trace:
        """The best explanation that fits at every point; last, that of the accuracy."""
        found = self.traced()
        off = {n for names in self.evidence.off.values() for n in names}
        points = telling(self.evidence)
        if all("accuracy" not in self.evidence.left(found.suspect, point) for point in points):
            return found
        made = read_accuracy(self.evidence, self.target, self.plants, found.plants)
        if made is not None:
            return replace(found, plants=(*found.plants, made))
        return replace(found, unread=found.unread | {"accuracy"}) if "accuracy" in off else found

    def traced(self) -> Trace:
        """The best explanation of all but the accuracy, within bounds of its own."""
        turn = count()
        start, against, seen = Trace(()), set[Point](), set[frozenset[str]]()
        queue: list[tuple[float, int, Trace]] = [(0.0, next(turn), start)]
        best, fewest = start, self.off(start)
        for _ in range(MOST_STATES):
            if not queue or self.work > self.most:
                # What is told of a part is held against all points, too.
                disproved = self.disproved(best, fewest)
                if disproved is None or not self.looks_at(disproved, against):
                    break
                seen.clear()
                queue = [(0.0, next(turn), start)]
                best, fewest = start, self.off(start)
            _, _, state = heappop(queue)
            off = self.off(state)
            if not off:
                disproved = self.disproved(state, set())
                if disproved is None:
                    return replace(state, disproved=frozenset(against))
                if not self.looks_at(disproved, against):
                    continue
                seen.clear()
                queue = [(0.0, next(turn), start)]  # all that was found by other points
                best, fewest = start, self.off(start)
                continue
            for child, left in self.children(state, off):
                if child.key in seen:
                    continue  # the same mistakes, found in another order
                seen.add(child.key)
                heappush(queue, (child.cost + ahead(self.order, left), next(turn), child))
                if len(left) + len(child.silent) < len(fewest) + len(best.silent):
                    best, fewest = child, left
        left = fewest | self.left(best)
        plants = tuple(plant for plant in best.plants if not contradicted(plant, left))
        unread = best.unread | left
        return replace(best, plants=plants, unread=unread, disproved=frozenset(against))

    def looks_at(self, point: Point, against: set[Point]) -> bool:
        """Look at a point that has disproved something from now on; False if it is no use."""
        against.add(point)
        if point in self.screens or len(against) > MOST_DISPROVING:
            return False
        self.screens[point] = Screen(self.evidence, point, tight=True)
        return True

    def evaluated(self, screen: Screen, state: Trace) -> Values:
        """What a state gives at a point; the work is counted."""
        record = self.evidence.record
        samples = len(record.batch(screen.point).inputs)
        self.work += 3 * record.network.products * samples + 2 * OVERHEAD
        return screen.evaluated(state.suspect)

    def off(self, state: Trace) -> set[str]:
        """The tensors that a state does not explain at the points that are screened."""
        found: set[str] = set()
        for point, screen in self.screens.items():
            if state.points is not None and point not in state.points:
                continue
            flags = screen.matching(self.evaluated(screen, state))
            found |= {n for n, ok in zip(screen.names, flags, strict=True) if not ok}
        return found - state.silent - {"accuracy"}

    def left(self, state: Trace) -> set[str]:
        """What a state does not explain, at any point."""
        found: set[str] = set()
        for point in telling(self.evidence):
            if state.points is None or point in state.points:
                found |= set(self.evidence.left(state.suspect, point))
        return found - state.silent - {"accuracy"}

    def disproved(self, state: Trace, off: set[str]) -> Point | None:
        """A point that the state does not explain within its bounds, beside what is off anyway."""
        for point in telling(self.evidence):
            if state.points is not None and point not in state.points:
                continue
            left = set(self.evidence.left(state.suspect, point))
            if left - state.silent - off - {"accuracy"}:
                return point
        return None

    def children(self, state: Trace, off: set[str]) -> Iterator[tuple[Trace, set[str]]]:
        """The state with one change more, that explains more of the first violated relation."""
        place = min(self.order[name] for name in off)
        relation = self.relations[place]
        mine = {name for name in off if self.order[name] == place}
        found: list[tuple[float, int, Trace, set[str]]] = []
        turn = count()
        alike: Counter[bytes] = Counter()
        for cost, made in sorted(self.changes(state, relation), key=lambda each: each[0]):
            child = replace(state, plants=with_plants(state.plants, made))
            left, numbers = self.left_by(child, mine, place)
            if isinstance(made[0], Reading) and made[0].open:
                numbers += made[0].name.encode()
            if left is not None and alike[numbers] < ALIKE:
                alike[numbers] += 1
                price = self.price(state, made[0], cost)
                child = replace(child, cost=state.cost + price)
                if "loss" in state.unread and changes_forward(made):
                    child = replace(child, unread=state.unread - {"loss"}, cost=child.cost - UNREAD)
                    left = left | {"loss"}  # it may be read now
                found.append((child.cost + ahead(self.order, left), next(turn), child, left))
        for _, _, child, left in sorted(found, key=lambda each: each[:2])[:MOST_BRANCHES]:
            yield child, left
        given_up = self.given_up(state, relation, mine)
        yield given_up, self.off(given_up)

    def left_by(self, child: Trace, mine: set[str], place: int) -> tuple[set[str] | None, bytes]:
        """What is off in a child, and its numbers; None if up to a relation it is not less."""
        left: set[str] = set()
        numbers = b""
        for point, screen in self.screens.items():
            if child.points is not None and point not in child.points:
                continue
            values = self.evaluated(screen, child)
            flags = screen.matching(values)
            wrong = {n for n, ok in zip(screen.names, flags, strict=True) if not ok}
            left |= wrong - child.silent - {"accuracy"}
            if not {n for n in left if self.order[n] <= place} < mine:
                return None, b""
            with np.errstate(all="ignore"):
                numbers += values.astype(np.float32).tobytes()
        return left, numbers

    def price(self, state: Trace, plant: Planted, cost: float) -> float:
        """What a change costs, beside those that were found already."""
        same = any(
            (p.fault.family, p.fault.name) == (plant.fault.family, plant.fault.name)
            for p in state.mistakes
        )
        return AGAIN if same else cost

    def changes(
        self, state: Trace, relation: Relation
    ) -> Iterator[tuple[float, tuple[Planted, ...]]]:
        """The changes that a relation may have: the catalogue's, then what is read.

        Where activations are not shown, a mistake in a function that all layers call is seen of all
        of them together alone.
        """
        last = relation.where == self.evidence.record.network.last.name
        # Of a loss or gradient that nothing explains, a step says nothing.
        late = relation.kind in ("slots", "step") and bool(state.silent)
        for plant in self.plants:
            if late and not all(site.startswith(STEPPED) for site in plant.changes):
                continue
            if concerns(plant, relation, last=last, hidden_forward=self.hidden_forward):
                yield 1.0, (plant,)
        first = relation.kind in ("forward", "loss") or (relation.kind == "backward" and last)
        if self.hidden_forward and first:
            yield from ((1.0 + AGAIN, plants) for plants in self.shared)
            yield from ((1.0 + AGAIN, made) for made in self.alike if made)
        points = [p for p in self.screens if state.points is None or p in state.points]
        if relation.kind in ("loss", "forward"):  # one number a point, or a part of the axis
            off = [p for p, names in self.evidence.off.items() if relation.names[0] in names]
            among = dict.fromkeys([*points, *self.further, *off[:FURTHER]])
            points = [p for p in among if state.points is None or p in state.points]
        views = [view(self.evidence, state.suspect, point) for point in points]
        self.work += READING
        for made in readings(self.target, relation, views, self.evidence):
            yield made.cost, (made,)
            if made.elsewhere:
                yield made.cost + AGAIN, (made, *made.elsewhere)

    def role(self, name: str) -> str:
        """The role of the parameter that a gradient is of."""
        return self.evidence.record.network.parameters[name.partition("/")[2]].role

    def given_up(self, state: Trace, relation: Relation, mine: set[str]) -> Trace:
        """The state with a relation that nothing explains: what was computed stands there."""
        unread, unjudged, points = state.unread | mine, state.unjudged, state.points
        plants = list(state.plants)
        backward = relation.kind == "backward"
        biases = {n for n in relation.names if backward and self.role(n) == "bias"}
        given = any(n in self.evidence.given[p] for p in self.evidence.points for n in biases)
        others = {n for n in relation.names if n not in biases}
        seen = any(n in self.evidence.given[p] for p in self.evidence.points for n in others)
        if (given and not biases & mine) or (seen and not others & mine):
            pass  # its bias, or its kernel, shows the delta to be right
        elif backward:
            shown = deltas_shown(self.evidence, state.suspect, self.target, relation.where)
            if points is not None:
                shown = {p: v for p, v in shown.items() if p in points}
            if shown:
                plants.append(as_computed(f"delta/{relation.where}", shown))
                points = tuple(shown)
                unread = unread | {name for name in relation.names if name in mine}
                for point in points[:SCREENS]:
                    if point not in self.screens:
                        self.screens[point] = Screen(self.evidence, point, tight=True)
            else:
                below = [r for r in self.relations if r.kind == "backward"]
                names = [n for r in below[below.index(relation) + 1 :] for n in r.names]
                unjudged = unjudged | set(names)
        if relation.kind in ("forward", "backward"):
            for name in mine:
                values = {
                    p: np.asarray(self.evidence.given[p][name], np.float64)
                    for p in self.evidence.points
                    if name in self.evidence.names(p)
                }
                plants.append(as_computed(name, values))
        return Trace(tuple(plants), state.cost + UNREAD, unread, unjudged, points)


def ahead(order: Mapping[str, int], off: set[str]) -> float:
    """What the violated relations that are left may cost: some share a mistake.

    A step, and a slot, follow from their gradient: where that is off, they are no further ones.
    """
    gradients = tuple(name.removeprefix("gradient") for name in off if name.startswith("gradient/"))
    own = {name for name in off if not (name.startswith("updated/") and name.endswith(gradients))}
    return AHEAD * len({order[name] for name in own})


def contradicted(plant: Planted, left: set[str]) -> bool:
    """Whether what was read of one value is off at a point where that value alone shows it."""
    if plant.fault.family != FAMILY or len(plant.changes) != 1:
        return False
    (site,) = plant.changes
    head, _, node = site.partition("/")
    if head == "delta":
        return f"gradient/{node}/bias" in left
    return head in ("loss", "gradient", "activation") and site in left


def changes_forward(made: Sequence[Planted]) -> bool:
    """Whether a change is one of the forward pass."""
    return any(site.partition("/")[0] in FORWARD for plant in made for site in plant.changes)


def with_plants(plants: tuple[Planted, ...], more: tuple[Planted, ...]) -> tuple[Planted, ...]:
    """Further changes; what was read of the same site before is replaced by what is read now."""
    new = {site for plant in more if plant.fault.family == FAMILY for site in plant.changes}
    kept = [p for p in plants if p.fault.family != FAMILY or not set(p.changes) <= new]
    return (*kept, *more)


def shared(plants: Sequence[Planted], last: str) -> Iterator[tuple[Planted, ...]]:
    """The catalogue's mistakes of the forward pass, in all layers and in all hidden ones."""
    by_fault: dict[tuple[str, str], list[Planted]] = {}
    for plant in plants:
        if any(site.partition("/")[0] in FORWARD for site in plant.changes):
            by_fault.setdefault((plant.fault.family, plant.fault.name), []).append(plant)
    for group in by_fault.values():
        places = [plant.where.partition("/")[0] for plant in group]
        if len(set(places)) < len(group):
            continue
        hidden = tuple(p for p, where in zip(group, places, strict=True) if where != last)
        for several in dict.fromkeys((tuple(group), hidden)):
            if len(several) > 1:
                yield several


def as_computed(site: str, shown: dict[Point, Any]) -> AsComputed:
    """What was computed, in the place of what is right."""
    fault = Fault("as computed", site, Kind.MATHEMATICAL, site, "", lambda of: iter(()))
    return AsComputed(fault, "", {}, shown=shown, site=site)


def screened(evidence: Evidence) -> Sequence[Point]:
    """The points that are looked at first: with several samples, and with another number."""
    off = by_size(evidence)
    # Points where nothing is off tell as much, of what else an expression would change.
    calm = [p for p in evidence.points if p.name not in (DATA, *(m.__name__ for m in SATURATING))]
    order = [*off, *(point for point in calm if point not in off)]

    def size(point: Point) -> int:
        return len(evidence.record.batch(point).inputs)

    chosen = order[:1]
    chosen += [p for p in order[1:] if size(p) != size(chosen[0]) and p.name != DATA][:1]
    chosen += [p for p in order[1:] if p not in chosen][: SCREENS - len(chosen)]
    return chosen


def further(evidence: Evidence, chosen: Sequence[Point]) -> list[Point]:
    """Points beside those, of batches of as many sizes as there are; none where units saturate."""
    extreme = {make.__name__ for make in SATURATING}
    found: dict[int, Point] = {}
    for point in telling(evidence):
        if point not in chosen and point.name not in extreme and "loss" in evidence.names(point):
            found.setdefault(len(evidence.record.batch(point).inputs), point)
    return [found[size] for size in sorted(found) if size <= MOST_SAMPLES][-FURTHER:]
