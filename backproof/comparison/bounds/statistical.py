"""The bounds of a record where rounding errors are taken as random: those of the fourth arithmetic.

Beside the tensors that are compared stand the sites by which vacuity is judged (`Watch`).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.bounds.worst_case import casting
from backproof.comparison.record.record import Point, Record
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.arithmetic.random.spread import REPLICAS, Evaluation, apart, spreads
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.definition.step import recovered, step
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.quantities import INPUT_GRADIENT

Values = NDArray[np.floating]

# What a watch looks at, beside what is compared.
WATCHED = ("z/", "delta/", "back/", "loss/slope")
# Up to so many products of a forward pass so many replicas cost little more, and tell more:
# Student's t at a chance of 1e-16 is 9.6 for 128 of them, 11 for 64, 16 for 32.
MORE = ((100_000, 4 * REPLICAS), (100_000_000, 2 * REPLICAS))
# With so few, at this chance of an element, Student's t is what it is for the others at theirs.
FEW, CHANCE_OF_FEW = 12, 1e-9


@dataclass(frozen=True, eq=False)
class Spreads:
    """Balls of the definition's values by name, the radii being those of the stated chance.

    ``one_way``: of code that takes the definition's side at every kink; the same balls where no
    side is open. ``random``: by name, how much of a radius is t·σ. ``sites``: those of the sites;
    ``unknown``: by name, why nothing is known of some element.
    """

    tensors: dict[str, Ball]
    one_way: dict[str, Ball]
    random: dict[str, Values]
    sites: dict[str, Ball]
    unknown: dict[str, str]

    @property
    def opened(self) -> bool:
        """Whether a unit may take either side of a kink."""
        return any(ball is not self.one_way[name] for name, ball in self.tensors.items())


def evaluation_at(
    record: Record,
    point: Point,
    *,
    recovers: bool,
    watched: tuple[str, ...] = (),
    shifts: Mapping[str, Values] | None = None,
    change: Intervention = unchanged,
    only: frozenset[str] | None = None,
) -> Evaluation:
    """What is compared at a point, in any arithmetic; see `spreads_at`."""
    network, state, batch = record.network, record.parameters[point], record.batch(point)
    if only is not None and INPUT_GRADIENT not in only:
        network = replace(network, input_gradient=False)
    # Samples are left open by the outputs, vacuity is judged by what a step makes
    # and by the activations, whether or not the subject gives them.
    wanted = {*record.names(point), *(f"activation/{name}" for name in network.node_names)}
    wanted |= {f"updated/{name}" for name in network.parameters}
    if only is not None:
        wanted = set(only)

    def evaluation(ops: Ops[Any], intervene: Intervention) -> Mapping[str, Any]:
        sites: dict[str, Any] = {}
        """What is wanted, in the order of computation."""

        def noted(name: str, value: Any, scope: Any) -> Any:
            found = intervene(name, change(name, value, scope), scope)
            if shifts and name in shifts:
                found = scope.ops.add(found, scope.ops.exact(shifts[name]))
            # Of gradients that are taken elsewhere the sites come again: they are not compared.
            if name in wanted:
                sites.setdefault(name, found)
            elif name.startswith(watched):
                sites.setdefault(f"site:{name}", found)
            return found

        found: dict[str, Any] = evaluate(ops, network, state, batch, noted)
        found |= step(ops, network, state, found, record.optimizer, noted, batch=batch)
        if recovers:
            found |= recovered(ops, network, state, found, record.optimizer.learning_rate)
        return sites | {name: found[name] for name in found if name in wanted}

    return evaluation


def spreads_at(
    record: Record,
    rounding: Rounding,
    point: Point,
    *,
    recovers: bool,
    watched: tuple[str, ...] | None = None,
    shifts: Mapping[str, Values] | None = None,
    change: Intervention = unchanged,
    few: bool = False,
    only: frozenset[str] | None = None,
) -> Spreads:
    """The definition at a point of a record, every element with its radius.

    ``watched``: how the names of the sites begin that are wanted too; without, those by which
    vacuity is judged. ``shifts``: what is added at some sites, see `shifts_to`. ``change``: of a
    definition with changes. ``few``: from fewer replicas, at a chance that makes up for it: for
    what is only explained, not judged. ``only``: the tensors that are wanted, where not all are.
    """
    watching = watched_of(record, point) if watched is None else watched
    if rounding.casts:
        change = casting(rounding, change)
    found = spreads(
        evaluation_at(
            record,
            point,
            recovers=recovers,
            watched=watching,
            shifts=shifts,
            change=change,
            only=only,
        ),
        rounding,
        chance=CHANCE_OF_FEW if few else element_chance(record),
        replicas=FEW if few else replicas_at(record, point),
        seed=seed_of(record, point),
    )
    every_way = {name: Ball(spread.value, spread.radius) for name, spread in found.items()}
    tensors = {name: each for name, each in every_way.items() if not name.startswith("site:")}
    random = {name: found[name].sigma for name in tensors}
    # In place, for such arrays are large; once, where two tensors are the same.
    for spread in {id(random[name]): found[name] for name in random}.values():
        spread.sigma.__imul__(spread.deviations)
    return Spreads(
        tensors,
        {
            name: each
            if found[name].radius is found[name].one_way
            else Ball(each.value, found[name].one_way)
            for name, each in tensors.items()
        },
        random,
        {
            name.removeprefix("site:"): each
            for name, each in every_way.items()
            if name.startswith(("site:", *watching))
        },
        {name: spread.unknown for name, spread in found.items() if spread.unknown},
    )


def apart_at(record: Record, rounding: Rounding, point: Point) -> dict[str, float]:
    """By how much correct implementations differ at a point, by name: see `apart`."""
    evaluation = evaluation_at(record, point, recovers=False)
    return apart(evaluation, rounding, seed=seed_of(record, point))


def watched_of(record: Record, point: Point) -> tuple[str, ...]:
    """How the sites are called by which vacuity is judged, beside the tensors that are compared."""
    compared = record.names(point)
    outputs = (f"activation/{node.name}" for node in record.network.nodes)
    return (*WATCHED, *(name for name in outputs if name not in compared))


def shifts_to(
    network: Network, sites: Mapping[str, Ball], given: Sequence[Mapping[str, Values]]
) -> dict[str, Values]:
    """What brings open units to the side that all of these implementations have taken.

    By pre-activation, ``z/dense_1``. The side is that of the activation, which is positive on one
    side of a kink at 0 alone. A pre-activation moves to a millionth of itself, on the other side.
    """
    found: dict[str, Values] = {}
    for node in network.nodes:
        name, own = f"z/{node.name}", f"activation/{node.name}"
        function = node.layer.function
        if function is None or not function.kinked or name not in sites:
            continue
        if any(own not in tensors or tensors[own].shape != sites[name].shape for tensors in given):
            continue
        z, reach = sites[name].value, sites[name].radius
        sides = [tensors[own] > 0 for tensors in given]
        other = np.logical_and.reduce([side != (z > 0) for side in sides])
        if reach is not None and (other := other & (np.abs(z) <= reach)).any():
            found[name] = np.where(other, -z * (1 + 2.0**-20), 0.0)
    return found


def replicas_at(record: Record, point: Point) -> int:
    """How many replicas a spread is taken of."""
    products = record.network.products * len(record.batch(point).inputs)
    return next((replicas for most, replicas in MORE if products <= most), REPLICAS)


def element_chance(record: Record) -> float:
    """The chance of each element: of subject, references and the definition's own value alike."""
    return record.chance / max(1, record.count() * (2 + len(record.references)))


def seed_of(record: Record, point: Point) -> int:
    """Whoever judges a record again draws the same numbers."""
    return zlib.crc32(f"{record.pairing}/{point.name}/{point.step}".encode())
