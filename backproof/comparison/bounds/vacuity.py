"""Vacuity: comparisons that match because nothing is exercised there.

Judged over all points of a pairing: what is idle at one point is noted there; what no point
exercises is UNDECIDED, never MATCH.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from backproof.comparison.judging.rows import Row, Status
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.layers.here import in_rows
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node

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
        why: dict[str, str] = {}
        """Why nothing is exercised at a node, by its name; "" where something is."""
        for node in reversed(self.network.nodes):
            name = node.name
            still = insignificant(self._cotangent(name))
            stuck = (still or name not in self.alive) and self._stuck(ops, node)
            if stuck:
                found[f"activation/{name}"] = stuck
            else:
                self.alive.add(name)
            takers = [why[taker.name] for taker in self.network.consumers[name]]
            above = takers[0] if takers and all(takers) else ""
            why[name] = (stuck or above or f"the cotangent of {name} is zero") if still else ""
        for parameter, users in self._users().items():
            reasons = [why[name] for name in users]
            if all(reasons):
                found[f"gradient/{parameter}"] = reasons[0]
        for name in self.network.shapes():
            moved, radius = self.seen[f"change/{name}"], updated[f"updated/{name}"].radius
            if radius is not None and not (np.abs(moved.value) > radius).any():
                found[f"updated/{name}"] = f"the step moves no element of {name} beyond its bound"
        return found

    def _cotangent(self, name: str) -> Ball:
        """What arrives at a node: at its pre-activation, where it has one."""
        delta, back = self.seen.get(f"delta/{name}"), self.seen.get(f"back/{name}")
        return delta or back or self.seen["loss/slope"]

    def _users(self) -> dict[str, list[str]]:
        """The nodes that use each parameter."""
        found: dict[str, list[str]] = {}
        for node in self.network.nodes:
            for use in self.network.uses[node.name].values():
                found.setdefault(use.parameter, []).append(node.name)
        return found

    def _stuck(self, ops: BallOps, node: Node) -> str:
        """Why a node does not respond to its pre-activations, or nothing: dead, or saturated.

        The cotangents differ from unit to unit: of equal ones a softmax passes nothing.
        """
        f = node.layer.function
        if f is None:
            return ""
        z, a = self.seen[f"z/{node.name}"], self.seen[f"activation/{node.name}"]
        ramp = ops.exact(np.broadcast_to(np.arange(1.0, 1 + z.shape[-1]), z.shape).copy())
        pulled = in_rows(ops, lambda *given: ops.vjp(f, *given), z, a, ramp)
        if not insignificant(pulled):
            return ""
        return f"every unit of {node.name} is {'saturated' if a.value.any() else 'dead'}"


def find_vacuity(
    rows: Iterable[Row],
    idle: Mapping[tuple[str, int], Mapping[str, str]],
    unmoved: Collection[str] = (),
) -> None:
    """Note what a point does not exercise; what no point does becomes UNDECIDED.

    ``rows``: all of one reference; ``idle``: for each point and step, tensors with the reason;
    ``unmoved``: parameters that nothing depends on, which are right when nothing moves them.
    """
    by_name: dict[str, list[Row]] = defaultdict(list)
    seen_to_differ: set[str] = set()
    for row in rows:
        if row.quantity in COUNTED or row.tensor in unmoved:
            continue
        if row.status in (Status.MATCH, Status.UNDECIDED):
            by_name[row.name].append(row)
        elif row.status is Status.MISMATCH:
            # Be it the reference's fault: what differs somewhere is exercised there.
            seen_to_differ.add(row.name)
    for name, same in by_name.items():
        reasons = []
        for row in same:
            reason = idle.get((row.point, row.step), {}).get(name, "")
            if row.zeros == size(row):
                reason = f"it is zero, as {reason}" if reason else "it is zero"
            if reason:
                row.detail = f"not exercised here: {reason}"
                reasons.append(reason)
        if len(reasons) == len(same) and name not in seen_to_differ:
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
