"""Readings of every relation: what its own numbers say that code did there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.reading import Reading
from backproof.comparison.diagnosis.reading_batch import read_batch
from backproof.comparison.diagnosis.reading_bounds import read_bounds
from backproof.comparison.diagnosis.reading_clips import read_clips
from backproof.comparison.diagnosis.reading_counts import read_counts
from backproof.comparison.diagnosis.reading_delta import read_delta
from backproof.comparison.diagnosis.reading_digits import read_digits
from backproof.comparison.diagnosis.reading_elements import read_elements
from backproof.comparison.diagnosis.reading_forward import read_forward
from backproof.comparison.diagnosis.reading_gradients import read_gradient
from backproof.comparison.diagnosis.reading_inner import read_inner
from backproof.comparison.diagnosis.reading_inputs import read_inputs
from backproof.comparison.diagnosis.reading_joins import read_join
from backproof.comparison.diagnosis.reading_loss import read_loss
from backproof.comparison.diagnosis.reading_pieces import read_pieces
from backproof.comparison.diagnosis.reading_rounded import read_rounded
from backproof.comparison.diagnosis.reading_steps import read_step
from backproof.comparison.diagnosis.reading_when import read_when
from backproof.comparison.diagnosis.reading_where import read_where
from backproof.comparison.diagnosis.reading_wiring import read_shared, read_shares
from backproof.comparison.diagnosis.relations import Relation
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.faults import Target


def readings(
    target: Target, relation: Relation, views: Sequence[View], evidence: Evidence
) -> Iterator[Reading]:
    """The mistakes that may be read of a relation, the plainest of each sort first."""
    if not views:
        return
    share = 16 * float(np.sqrt(evidence.unit))
    rate = getattr(evidence.record.optimizer, "learning_rate", float("nan"))
    unknown = float("nan")  # no gradient has the rate in it: a number that is the same is its own
    places = {place.name: place for place in target.layers}

    def made_of(among: Sequence[View]) -> Iterator[Reading]:
        place = places.get(relation.where)
        if relation.kind == "backward":
            if place is not None:
                yield from read_delta(target, place, among, unknown, share)
                yield from read_where(target, place, among)
            for name in relation.names:
                yield from read_gradient(
                    target, place, name, among, unknown, share, recovered=evidence.recovers
                )
        elif relation.kind in ("slots", "step"):
            for name in relation.names:
                yield from read_step(target, relation.where, name, among, rate, share)
                yield from read_counts(target, relation.where, name, among)
        elif relation.kind == "forward" and place is not None:
            yield from read_forward(target, place, among, share)
            yield from read_inner(target, place, among, share)
            yield from read_pieces(target, place, among)
            yield from read_digits(place, among)
        elif relation.kind == "forward":
            yield from read_join(target, relation.where, among, share)

    def changed(among: Sequence[View]) -> Iterator[Reading]:
        for name in relation.names if relation.kind in ("backward", "slots", "step") else ():
            yield from read_clips(target, name, among, rate, share)
            yield from read_elements(target, name, among)
            yield from read_bounds(target, name, among)

    def at(among: Sequence[View]) -> Iterator[Reading]:
        yield from made_of(among)
        yield from changed(among)

    if relation.kind == "inputs":
        yield from read_inputs(target, views, share)
        return
    if relation.kind == "loss":
        yield from read_loss(target, views, share)
        return
    found = list(made_of(views))
    yield from found
    yield from changed(views)
    if relation.kind == "backward":
        if relation.where == target.network.last.name:
            yield from read_batch(target, views)
        if relation.where in places:
            yield from read_shares(target, places[relation.where])
            yield from read_rounded(target, places[relation.where], views)
        for name in relation.names:
            yield from read_shared(target, name.partition("/")[2])
    if relation.kind == "forward" or not found:  # what holds everywhere is likelier
        yield from read_when(target, relation, views, evidence, at)
