"""How good the gate is: every fault of the catalogue planted in a pairing, and judged as a subject.

The twins are evaluated once, at the probes and at the first steps of the definition's own training
run. A fault is then judged by the gate itself, point by point, the small ones first, until every
reference has shown it. What no point shows must be proven to change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.bounds.vacuity import find_vacuity
from backproof.comparison.judging.judging import compare_point
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Broken, Pairing
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.comparison.record.twin_session import Exchange
from backproof.comparison.run import Workers, ask, new_record
from backproof.implementations.protocol import Tensors
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.faults import Planted, planted
from backproof.mathematics.faults.equivalence import Proof, provable
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.faults.variants import DEFINITION, FORMS, forms_of

# Two steps: at the second one, what outlives a step is seen.
STEPS = 2


class Verdict(StrEnum):
    """What became of a planted fault."""

    CAUGHT = "caught"
    EQUIVALENT = "equivalent"
    ROUNDING = "rounding"
    """Right code may be as far off."""
    ESCAPED = "escaped"


@dataclass(frozen=True)
class Outcome:
    """One planted fault of one pairing: by which tensor it was caught, where, at which power."""

    pairing: str
    plant: Planted
    verdict: Verdict
    row: Row | None = None
    reason: str = ""


@dataclass(frozen=True)
class Alarm:
    """A fault-free form that the gate did not let pass, and the row that says why."""

    pairing: str
    form: str
    row: Row


@dataclass(eq=False)
class Score:
    """What the gate is worth on one pairing."""

    pairing: str
    points: int
    outcomes: list[Outcome] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    forms: int = len(FORMS)

    @property
    def void(self) -> bool:
        """Whether the definition itself does not match: then no fault would show anything."""
        return any(alarm.form == DEFINITION for alarm in self.alarms)

    def count(self, verdict: str) -> int:
        """How many faults came to a verdict."""
        return sum(outcome.verdict == verdict for outcome in self.outcomes)

    @property
    def share(self) -> float:
        """The mutation score: the share of the caught among those that right code cannot be."""
        caught, escaped = self.count(Verdict.CAUGHT), self.count(Verdict.ESCAPED)
        return caught / (caught + escaped) if caught + escaped else 0.0


class Ground:
    """A pairing's points with everything that is evaluated there once."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.bounds = Bounds(record)
        self.certainty = Certainty(record, wanted=False)
        self.calls = list(record.parameters)  # in the order in which a subject is called
        probes = [point for point in self.calls if point.name != DATA]
        self.order = probes + [point for point in self.calls if point.name == DATA]
        self.clean: Mapping[Point, Tensors] = dict(record.evaluations[SUBJECT])

    def judged(self, point: Point, results: Mapping[str, Any]) -> list[Row]:
        """The gate's rows for a subject that gives these results at a point."""
        given = {name: np.asarray(value) for name, value in results.items()}
        self.record.evaluations[SUBJECT][point] = given
        try:
            return [
                row
                for reference in self.record.references
                for row in compare_point(self.record, self.bounds, self.certainty, reference, point)
            ]
        finally:
            self.record.evaluations[SUBJECT][point] = self.clean[point]

    def evaluated(self, plant: Planted, point: Point) -> dict[str, Any]:
        """What the definition with a fault gives at a point."""
        earlier = self.calls[: self.calls.index(point)] if plant.fault.remembers else []
        return computed(
            self.record.network,
            self.record.optimizer,
            self.record.parameters[point],
            self.record.batch(point),
            plant.intervene,
            [self.clean[call] for call in earlier],
        )


def gauge(
    pairings: Iterable[Pairing],
    workers: Workers,
    on_stage: Callable[[str], object] = lambda stage: None,
) -> Iterator[Score | Broken]:
    """The score of each pairing; first those that cannot start."""
    asked: list[tuple[Record, list[Exchange]]] = []
    for pairing in pairings:
        on_stage(f"{pairing.name}: evaluating the definition")
        definition = as_subject(pairing.narrowed(workers.by_name))
        record = new_record(definition, workers)
        try:
            if not record.references:
                raise UsageError(f"pairing {pairing.name}: no reference to gauge the gate with")
            asked.append((record, ask(definition, record, workers)))
        except (UsageError, EvaluationError) as error:
            yield Broken(pairing.name, str(error), isinstance(error, EvaluationError))
    for record, exchanges in asked:
        on_stage(f"{record.pairing}: waiting for {' and '.join(record.references)}")
        for exchange in exchanges:
            exchange.collect()
        record.omits += hidden(record)
        ground = Ground(record)
        score = Score(record.pairing, len(ground.calls), forms=len(forms_of(record.network)))
        on_stage(f"{record.pairing}: fault-free forms")
        score.alarms += false_alarms(ground)
        if not score.void:
            on_stage(f"{record.pairing}: planting faults")
            score.outcomes += outcomes(ground)
        yield score


def as_subject(pairing: Pairing) -> Pairing:
    """The pairing with its definition, in floating point, for a subject."""
    network, optimizer = pairing.network, pairing.optimizer
    return replace(
        pairing,
        subject=lambda parameters, batch: computed(network, optimizer, parameters, batch),
        steps=min(STEPS, pairing.steps),
        waivers=(),
        recovered=False,
        forms={name: form for name, form in pairing.forms.items() if name != SUBJECT},
    )


def hidden(record: Record) -> tuple[str, ...]:
    """The activations that a user's own model keeps to itself: no fault can show there."""
    return tuple(
        name
        for name in record.names(Point(DATA, 0))
        if name.startswith("activation/")
        and any(
            given and not any(name in results for results in given.values())
            for given in (record.evaluations.get(reference) for reference in record.references)
        )
    )


def false_alarms(ground: Ground) -> list[Alarm]:
    """The rows in which a fault-free form does not match."""
    record = ground.record
    alarms: list[Alarm] = []
    for name, form in forms_of(record.network).items():
        rows: list[Row] = []
        for point in (p for p in ground.order if p.name != DATA or not p.step):
            parameters, batch = record.parameters[point], record.batch(point)
            with np.errstate(all="ignore"):
                rows += ground.judged(
                    point, form(record.network, record.optimizer, parameters, batch)
                )
        for reference in record.references:
            mine = [row for row in rows if row.reference == reference]
            find_vacuity(mine, ground.bounds.idle, ground.record.network.unmoved)
        alarms += [
            Alarm(record.pairing, name, row) for row in rows if row.status is not Status.MATCH
        ]
    return alarms


def outcomes(ground: Ground) -> list[Outcome]:
    """The outcome of every fault that applies, in the order of the catalogue."""
    record = ground.record
    plants = [
        plant
        for plant in planted(record.network, record.optimizer, saturates=record.saturates)
        if concerned(plant) <= set(record.quantities)
    ]
    caught = {plant: caught_by(ground, plant) for plant in plants}
    left = [plant for plant in plants if caught[plant] is None]
    proof = proven(ground, left)
    return [
        Outcome(record.pairing, plant, Verdict.CAUGHT, row)
        if (row := caught[plant]) is not None
        else uncaught(ground, plant, proof)
        for plant in plants
    ]


def concerned(plant: Planted) -> set[str]:
    """The quantities without which a pairing cannot show a fault of measures or of the step."""
    owners = {"correct": "accuracy", "change": "updated"}
    heads = {site.split("/")[0] for site in plant.changes}
    kept = ("accuracy", "parameter_count", "updated")
    found = {owners.get(head, head) for head in heads}
    return found if found <= set(kept) else set()


def caught_by(ground: Ground, plant: Planted) -> Row | None:
    """The first row, in the order of computation, where every reference first shows the fault.

    None if no point does.
    """
    references = ground.record.references
    for point in ground.order:
        wrong = [
            row
            for row in ground.judged(point, ground.evaluated(plant, point))
            if row.status in (Status.MISMATCH, Status.ERROR)
        ]
        if {row.reference for row in wrong} == set(references):
            return wrong[0]
    return None


def proven(ground: Ground, plants: list[Planted]) -> Proof:
    """What certified values say of faults that were not caught, at every point."""
    record = ground.record
    candidates = tuple(plant for plant in plants if provable(plant))
    proof = Proof(record.network, record.optimizer, record.dtype, candidates)
    for point in ground.order if candidates else ():
        proof.at(record.parameters[point], record.batch(point))
    return proof


def most_off(ground: Ground, plant: Planted) -> float:
    """How far a fault brings any value at any point, in unit roundoffs of that value."""
    unit, most = Rounding.of(ground.record.dtype).unit, 0.0
    for point in ground.order:
        wrong = ground.evaluated(plant, point)
        for name, right in ground.clean[point].items():
            off = np.abs(np.asarray(wrong[name], np.float64) - right)
            if off.any():
                with np.errstate(all="ignore"):
                    most = max(most, float(np.nanmax(off / (unit * np.abs(right)))))
    return most


def within_rounding(ground: Ground, plant: Planted) -> bool:
    """Whether right code may have all that a fault gives, by the bounds of every way it may go."""
    for point in ground.order:
        bound, given = ground.bounds.at(SUBJECT, point), ground.evaluated(plant, point)
        for name, radius in bound.radii.items():
            if (np.abs(given[name] - bound.values[name]) > radius).any():
                return False
    return True


def uncaught(ground: Ground, plant: Planted, proof: Proof) -> Outcome:
    """Within rounding if right code may be as far off, equivalent if that is proven, or escaped."""
    pairing, dtype = ground.record.pairing, ground.record.dtype
    if plant.roundings and (most := most_off(ground, plant)) <= plant.roundings:
        unit = Rounding.of(dtype).unit
        reason = (
            f"right code in {dtype} may be off by {plant.roundings * unit:.2g} of that value, and "
            f"this is by {most * unit:.2g} at most"
        )
        return Outcome(pairing, plant, Verdict.ROUNDING, reason=reason)
    if plant.at_ties and within_rounding(ground, plant):
        reason = "where numbers are equal, right code that rounds may take either for the larger"
        return Outcome(pairing, plant, Verdict.ROUNDING, reason=reason)
    if proof.values.get(plant):
        found = (
            "no site that it changes takes another value"
            if proof.sites[plant]
            else "sites change, but no value that is compared"
        )
        reason = f"{plant.moot}: {found}, certified at every point".lstrip(": ")
        return Outcome(pairing, plant, Verdict.EQUIVALENT, reason=reason)
    why = (
        "certified values differ from the definition's"
        if provable(plant)
        else "no point exposes it, and certified values cannot speak for it"
    )
    return Outcome(pairing, plant, Verdict.ESCAPED, reason=why)
