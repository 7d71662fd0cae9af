"""Weakness: where, in the order of computation, a bound stopped saying anything, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf

import numpy as np

from backproof.comparison.bounds.bound import WEAKEST_POWER, bounded
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.judging.rows import Grade, Row
from backproof.comparison.record.record import SUBJECT, Point
from backproof.implementations.host.mapped import let_go
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.half import MOST_TERMS
from backproof.mathematics.definition.sums import sums_of
from backproof.mathematics.network.network import Network


class Weakness:
    """Why comparisons with one reference, at one point, are too weak; evaluated when asked for."""

    def __init__(self, bounds: Bounds, reference: str, point: Point) -> None:
        self.bounds = bounds
        self.who = (SUBJECT, reference)
        self.point = point
        self._sites: list[Mapping[str, Ball]] = []
        self._spread: list[Mapping[str, Ball]] = []

    def cause(self, row: Row) -> str:
        """One sentence: the site where the bound was lost or became too weak, and why."""
        if not self._sites:
            self._sites = self._both(self.bounds.sites)
        if row.grade is Grade.STATISTICAL and not self._spread:
            self._spread = self._both(self.bounds.random_sites)
        found = self._spread if row.grade is Grade.STATISTICAL else self._sites
        network = self.bounds.record.network
        for site in found[0]:
            if not leads_to(site, row.name, network):
                continue
            balls = [sites[site] for sites in found]
            if not all(bounded(ball) for ball in balls):
                return f"the bound was lost at {site}: {self._reason(site, balls)}"
            weak = power(balls) > WEAKEST_POWER
            for ball in balls:
                let_go({"value": ball.value})
                if ball.radius is not None:
                    let_go({"radius": ball.radius})
            if weak:
                return (
                    f"power {row.power:.3g}, weak from {site} on: only errors above that share of "
                    "the largest element would be caught; use a wider dtype or milder values"
                )
        return f"power {row.power:.3g}: each step is bounded, but not their sum"

    def _both(self, sites: Callable[[str, Point], Mapping[str, Ball]]) -> list[Mapping[str, Ball]]:
        """The sites of both, evaluated once where their models are the same."""
        mine = sites(SUBJECT, self.point)
        alike = len({self.bounds.rounding(who) for who in self.who}) == 1
        return [mine, mine if alike else sites(self.who[1], self.point)]

    def _reason(self, site: str, balls: Sequence[Ball]) -> str:
        if not all(np.isfinite(ball.value).all() for ball in balls):
            return "it overflowed there"
        record = self.bounds.record
        terms = summed(site, record.network, len(record.batch(self.point).inputs))
        operation = operation_of(site, record.network) if terms <= MOST_TERMS else "a longer sum"
        units = [self.bounds.rounding(who).unit_in(operation) for who in self.who]
        if terms * max(units) >= 0.25:
            return f"it sums {terms} terms, n·u is {terms * max(units):.3g}, and a bound ends at ¼"
        return "it grew beyond all numbers there"


def power(balls: Sequence[Ball]) -> float:
    """2·max Σr / max |value|, as of a comparison."""
    radii = [ball.radius for ball in balls if ball.radius is not None]
    if not radii or not balls[0].value.size:
        return 0.0
    widest = 2 * float(sum(radii[1:], radii[0]).max())
    largest = float(np.abs(balls[0].value).max())
    return (widest / largest if largest else inf) if widest else 0.0


def leads_to(site: str, name: str, network: Network) -> bool:
    """Whether the tensor is computed from what is at the site, or is that itself."""
    kind, _, place = site.partition("/")
    quantity, _, tensor = name.partition("/")
    node, at = (position(text, network) for text in (tensor, place))
    if quantity == "activation":
        return kind in ("z", "activation") and at <= node
    if kind in ("z", "activation") or site == name:
        return True
    if quantity == "loss":
        return kind == "penalty" or site in ("loss/rows", "loss/data")
    if site == "loss/slope" or (kind in ("delta", "back") and at >= node):
        return True
    own = place.endswith(tensor)
    return own and (kind in ("data_gradient", "penalty_gradient", "gradient", "change"))


def position(text: str, network: Network) -> int:
    """2 of the second node's tensors; 0 where no node is named."""
    parts = text.split("/")
    return next((i for i, n in enumerate(network.node_names, start=1) if n in parts), 0)


def summed(site: str, network: Network, samples: int) -> int:
    """How many terms the sum at a site has."""
    kind, _, place = site.partition("/")
    at = position(place, network)
    node = network.nodes[at - 1]
    if kind in (sums := node.layer.sums(*network.shapes_into(node))):
        return sums[kind]
    if kind == "back":
        takers = network.consumers[node.name]  # of what the loss takes there are none
        return max(
            (sum(each.layer.summands(*network.shapes_into(each))) for each in takers), default=0
        )
    if kind == "data_gradient":
        return sums_of(network, samples).summands[place]
    if site == "loss/data":
        return network.rows(samples) * network.outputs
    if kind == "penalty":
        return network.parameters[place.partition("/")[2]].size
    return 0


def operation_of(site: str, network: Network) -> str:
    """The operation that sums there, as `Rounding.inside` names it."""
    kind, _, place = site.partition("/")
    if kind in ("loss", "penalty"):
        return "sum"
    parameter = network.parameters.get(place)
    bias = parameter is not None and parameter.role == "bias"
    return "column_sum" if kind == "data_gradient" and bias else "matmul"
