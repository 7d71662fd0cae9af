"""Slopes: whether the subject's gradient is that of its own loss, by differences of that loss.

With D(h) = (L(w + hd) − L(w − hd)) / 2h = L′ + h²·L‴/6 + …, doubling h moves D by three times what
D(h) is off the derivative along d. So |D(h) − L′| ≤ |D(2h) − D(h)|, and what the roundings of two
losses, each within r of its exact value, add to D(h) and to the estimate: 4r/h. A parameter w + hd
is itself rounded, by u·|w| in h. (A kink between them makes the two differ, and nothing is said.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.record.record import SUBJECT, Record
from backproof.comparison.record.subject_run import SLOPES_AT, direction
from backproof.mathematics.arithmetic.rounding.model import Rounding, held_in


def verdict(record: Record, bounds: Bounds) -> tuple[list[str], list[str]]:
    """The parameters with a gradient that is not the subject's loss's; with one that alone may be.

    Of the second sort are those where the network's gradient is surely not that of the loss.

    Where neither can be said, a parameter is in no list.
    """
    wrong: list[str] = []
    right: list[str] = []
    if not record.slopes:  # nobody could be asked, as of a record of one point
        return wrong, right
    given, bound = record.evaluations[SUBJECT].get(SLOPES_AT, {}), bounds.at(SUBJECT, SLOPES_AT)
    for name, (near, far, h) in record.slopes.items():
        gradient, w = given.get(f"gradient/{name}"), record.parameters[SLOPES_AT][name]
        if gradient is None or gradient.shape != w.shape:
            continue
        own, networks = (
            float(np.vdot(each, direction(name, w.shape)))
            for each in (gradient, bound.values[f"gradient/{name}"])
        )
        # The radius is that of the network's loss; one of another size rounds in proportion.
        radius = float(bound.radii["loss"]) * grown(given["loss"], bound.values["loss"])
        moved = Rounding.of(held_in(record.dtype)).unit * (float(np.abs(w).max()) + 2 * h) / h
        doubt = abs(far - near) + 4 * radius / h + 2 * moved * (abs(near) + abs(own))
        if abs(own - near) > doubt:
            wrong.append(name)
        elif abs(networks - near) > doubt:
            right.append(name)
    return wrong, right


def grown(loss: Any, expected: Any) -> float:
    """How many times as large a loss is as expected, at least 1."""
    return max(1.0, abs(float(loss)) / (abs(float(expected)) or 1.0))
