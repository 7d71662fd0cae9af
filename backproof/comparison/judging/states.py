"""Steps from a state that the subject was not given, or does not show: told, and no match."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backproof.comparison.bounds.bound import bound_of, distance
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.worst_case import balls_at
from backproof.comparison.judging.judging import blank
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.comparison.record.subject_run import KEEPS, state_of
from backproof.mathematics.arithmetic.balls.accumulating import balls_of
from backproof.mathematics.optimizers import STEP_COUNT


def tell_unread(rows: list[Row], record: Record, bounds: Bounds) -> None:
    """Say of a subject that it makes its step from a state of its own, not from the one given.

    If a step from zeros explains every number, nothing is known against it: its mismatches are
    errors, of how it is asked.
    """
    wrong = [row for row in rows if row.status is Status.MISMATCH and row.quantity == "updated"]
    if not record.unread or not wrong:
        return
    state = state_of(record)
    unread = f"the subject never uses the state that it is given ({state})"
    asked = KEEPS.format(names=state)
    right = explained_from_rest(rows, record, bounds)
    for row in wrong:
        if right:
            row.status = Status.ERROR
            row.cause = (
                f"{unread}, and a step from zeros, the first, explains every number: whether its "
                f"later steps are right is not known; {asked}"
            )
        else:
            row.cause = f"{unread}: {asked}; {row.cause}"


def explained_from_rest(rows: list[Row], record: Record, bounds: Bounds) -> bool:
    """Whether all that the subject gave is that of the first step."""
    ops = balls_of(bounds.rounding(SUBJECT))
    for point in {Point(row.point, row.step): None for row in rows}:
        given = record.evaluations[SUBJECT].get(point)
        if given is None:
            return False
        state = {
            name: np.full_like(value, record.optimizer.rest(name.split("/")[0]))
            if is_kept(name, record)
            else value
            for name, value in record.parameters[point].items()
        }
        rested = replace(record, parameters={point: state})
        bound = bound_of(rested, point, balls_at(rested, ops, point))
        names = [name for name in record.names(point) if name in given and name in bound.values]
        if any(given[name].shape != bound.values[name].shape for name in names):
            return False
        if any(distance(name, given[name], bound) for name in names):
            return False
    return True


def is_kept(name: str, record: Record) -> bool:
    """Whether it is part of what the optimizer keeps beside the parameters."""
    return name == STEP_COUNT or name.split("/")[0] in record.optimizer.SLOTS


def tell_unshown(rows: list[Row], record: Record) -> list[Row]:
    """Rows for the slots that a subject does not give, which gives a step of an optimizer with.

    Each step was begun from the state that it was given, so that nothing is known of the one that
    it keeps: that is no match.
    """
    shown = [row for row in rows if row.quantity == "updated"]
    slots = [f"updated/{name}" for name in record.slots]
    if not shown or not slots or any(name not in record.omits for name in slots):
        return []
    kept = [*(f"{slot}/…" for slot in record.optimizer.SLOTS), *record.network.buffers]
    after = ", ".join(f"updated/{name}" for name in kept)
    found = []
    for reference in record.references:
        for name in slots:
            row = blank(record, reference, Point(shown[0].point, shown[0].step), name)
            row.status = Status.UNDECIDED
            row.cause = (
                "the subject gives a step and not the state after it, with which its next step "
                f"begins: no second step was compared; give {after}"
            )
            found.append(row)
    return found
