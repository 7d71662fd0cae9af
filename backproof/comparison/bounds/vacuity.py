"""Vacuity: comparisons that match because nothing is exercised there.

Judged over all points of a pairing: what is idle at one point is noted there; what no point
exercises is UNDECIDED, never MATCH.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from backproof.comparison.judging.rows import Row, Status
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.network.network import Network

# What is compared by counting.
COUNTED = ("parameter_count", "accuracy")


def insignificant(ball: Ball) -> bool:
    """Whether no element can be told from 0: each may be nothing but rounding errors."""
    if ball.radius is None:
        return not ball.value.any()
    return not (np.abs(ball.value) > ball.radius).any()


class Watch:
    """Sees the sites of one evaluation in balls, and says what was idle in it, and why.

    ``alive``: the layers that some point has shown to be sensitive to their pre-activations.
    """

    def __init__(self, network: Network, alive: set[str]) -> None:
        self.network = network
        self.alive = alive
        self.seen: dict[str, Ball] = {}

    def __call__(self, name: str, value: Ball, scope: object) -> Ball:
        self.seen[name] = value
        return value

    def idle(self, ops: BallOps, updated: Mapping[str, Ball]) -> dict[str, str]:
        """The tensors that this point does not exercise, each with the reason."""
        found: dict[str, str] = {}
        above = ""
        for name, layer in reversed(list(self.network.named_layers())):
            still = insignificant(self.seen[f"delta/{name}"])
            stuck = (still or name not in self.alive) and self._stuck(ops, name)
            if stuck:
                found[f"activation/{name}"] = stuck
            else:
                self.alive.add(name)
            why = (stuck or above or f"the cotangent of {name} is zero") if still else ""
            if why:
                found[f"gradient/{name}/kernel"] = why
                if layer.bias:
                    found[f"gradient/{name}/bias"] = why
            above = why
        for name in self.network.shapes():
            moved, radius = self.seen[f"change/{name}"], updated[f"updated/{name}"].radius
            if radius is not None and not (np.abs(moved.value) > radius).any():
                found[f"updated/{name}"] = f"the step moves no element of {name} beyond its bound"
        return found

    def _stuck(self, ops: BallOps, name: str) -> str:
        """Why a layer does not respond to its pre-activations, or nothing: dead, or saturated.

        The cotangents differ from unit to unit: of equal ones a softmax passes nothing.
        """
        z, a = self.seen[f"z/{name}"], self.seen[f"activation/{name}"]
        f = self.network.layers[int(name.removeprefix("dense_")) - 1].activation
        ramp = ops.exact(np.broadcast_to(np.arange(1.0, 1 + z.shape[1]), z.shape).copy())
        if not insignificant(ops.vjp(f, z, a, ramp)):
            return ""
        dead = not a.value.any()
        return f"every unit of {name} is {'dead' if dead else 'saturated'}"


def find_vacuity(rows: Iterable[Row], idle: Mapping[tuple[str, int], Mapping[str, str]]) -> None:
    """Note what a point does not exercise; what no point does becomes UNDECIDED.

    ``rows``: all of one reference; ``idle``: for each point and step, tensors with the reason.
    """
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.status in (Status.MATCH, Status.UNDECIDED) and row.quantity not in COUNTED:
            by_name[row.name].append(row)
    for name, same in by_name.items():
        reasons = []
        for row in same:
            reason = idle.get((row.point, row.step), {}).get(name, "")
            if row.zeros == size(row):
                reason = f"it is zero, as {reason}" if reason else "it is zero"
            if reason:
                row.detail = f"not exercised here: {reason}"
                reasons.append(reason)
        if len(reasons) == len(same):
            told = "; ".join(dict.fromkeys(reasons))
            for row in same:
                row.status = Status.UNDECIDED
                row.cause = f"no point exercises it: {told}"


def size(row: Row) -> int:
    """The number of elements of the row's tensor."""
    total = 1
    for length in row.shape.split("×"):
        total *= 1 if length == "scalar" else int(length)
    return total
