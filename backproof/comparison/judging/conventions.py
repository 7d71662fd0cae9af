"""Conventions: what correct code may do otherwise than the definition, without declaring it.

A subject that is outside of its bound is held against the bounds of the usual forms
(`Rounding.in_any_form`), and against other subgradients at exact kinks, the same ones everywhere.
What explains *every* tensor at every point is granted: its comparisons are made anew with that. So
nothing is weaker for code that needs none of it, and a wrong number stays one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from backproof.comparison.bounds.bound import distance
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.models import Conventions
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.mathematics.arithmetic.balls.operations import L1
from backproof.mathematics.network.network import Network

# The subgradients of |w| at 0 beside the definition's 0: 1, as of a test w ≥ 0, and −1.
OF_L1 = (1.0, 0.0)


def granted(record: Record, bounds: Bounds) -> Conventions | None:
    """The conventions that explain all that the subject gave outside of its bound, if any do."""
    points = [point for point in record.points() if off(record, bounds, point)]
    if not points:
        return None
    for at_kinks in choices(record.network):
        tried = Conventions(at_kinks)
        # What is wrong is so at the first point that is asked for, as a rule.
        if not any(off(record, bounds, point, tried) for point in points):
            return tried
    return None


def off(
    record: Record, bounds: Bounds, point: Point, conventions: Conventions | None = None
) -> bool:
    """Whether the subject gave something at a point that is outside of its bound there."""
    given = record.evaluations.get(SUBJECT, {}).get(point, {})
    if not given:  # an error stands there, perhaps without parameters
        return False
    bound = bounds.at(SUBJECT, point, conventions=conventions)
    return any(
        distance(name, given[name], bound) > 0
        for name in record.names(point)
        if name in bound.values
        and name in given
        and given[name].shape == bound.values[name].shape
        and np.isfinite(given[name]).all()
    )


def choices(network: Network) -> Iterator[tuple[tuple[str, float], ...]]:
    """Subgradients at exact kinks, by function: first the definition's own, then all others."""
    others = {f.name: f.AT_KINK for node in network.nodes for f in node.layer.functions}
    others[network.loss_function.name] = network.loss_function.AT_KINK
    if any("l1" in network.penalty_on(name).orders() for name in network.parameters):
        others[L1] = OF_L1
    each: list[list[tuple[tuple[str, float], ...]]] = [
        [(), *(((name, share),) for share in shares)] for name, shares in others.items()
    ]
    for chosen in product(*each):
        yield sum(chosen, ())
