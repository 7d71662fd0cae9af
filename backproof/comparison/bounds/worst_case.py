"""The definition at a point of a record, evaluated in balls: rounding errors at their worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from backproof.comparison.record.record import Point, Record
from backproof.implementations.host.mapped import LARGE, moved
from backproof.mathematics.arithmetic.balls.ball import Ball, widened
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding, inflated
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sites import Intervention, Scope, unchanged
from backproof.mathematics.definition.step import recovered, step

# Pieces of a step beside its samples: two penalties, two slots.
PIECES = 4


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
    if ops.rounding.casts:
        intervene = casting(ops.rounding, intervene)
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


def casting(rounding: Rounding, intervene: Intervention) -> Intervention:
    """Before another change: what the code rounds to a narrower dtype, where it says so."""

    def change(name: str, value: Any, scope: Scope[Any]) -> Any:
        if name.startswith(rounding.casts):
            value = scope.ops.cast(value, rounding.cast_unit)
        return intervene(name, value, scope)

    return change


def shifted(shifts: Mapping[str, Any]) -> Intervention:
    """What moves some sites by so much."""

    def change(name: str, value: Any, scope: Scope[Any]) -> Any:
        if name not in shifts:
            return value
        return scope.ops.add(value, scope.ops.exact(shifts[name]))

    return change


def in_files(ball: Ball) -> Ball:
    """The same ball, its arrays in files where they are large."""
    if ball.value.nbytes < LARGE:
        return ball
    return Ball(moved(ball.value), None if ball.radius is None else moved(ball.radius))
