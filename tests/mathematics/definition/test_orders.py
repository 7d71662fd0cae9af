"""Code that adds what a graph joins in another order, with the largest errors: still within.

All numbers are positive and all errors go one way, so that an addition that nobody charged is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from flint import arb

from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sums import Sums
from backproof.mathematics.layers.public import Add, Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node, Shared
from backproof.mathematics.network.parameters import Array, Batch, Parameters
from backproof.mathematics.network.penalty import Penalty
from tests.mathematics.arithmetic.adversary import HABITS, ORDERS, Adversary, Row
from tests.mathematics.arithmetic.ball_networks import precision

ROUNDING = Rounding.of("float32")
# The upstream gradient is given: no coefficient, and no rounding before the sums in question.
GIVEN = Loss("inner_product", batch="sum")
JOINED = Network(
    (
        Node("stem", Dense(2, 4, bias=False)),
        Node("left", Dense(4, 4, bias=False), "stem"),
        Node("right", Dense(4, 4, bias=False), "stem"),
        Node("sum", Add(), ("left", "stem", "right")),
    ),
    GIVEN,
)
SHARED = Network(
    (
        Node("a", Dense(2, 2, bias=False)),
        Node("b", Dense(2, 2, bias=False), shared={"kernel": Shared("a/kernel")}),
    ),
    GIVEN,
    Penalty(l2=0.5),  # 2·l2 is 1: the coefficient rounds nothing
)


def machines() -> Iterator[Adversary]:
    """Every order of summation with every habit that errs one way."""
    for order in ORDERS:
        for habit in ("outward", "inward"):
            machine = Adversary(ROUNDING, Random(1))
            machine.order, machine.push, machine.fuses = order, HABITS[habit], False
            yield machine


def point(network: Network, samples: int) -> tuple[Parameters, Batch]:
    stream = np.random.default_rng(4)

    def draw(*shape: int) -> Array:
        return stream.uniform(1, 2, shape).astype(np.float32)

    parameters = {name: draw(*shape) for name, shape in network.shapes().items()}
    return parameters, Batch(draw(samples, 2), draw(samples, network.outputs))


def rows(x: Array) -> list[Row]:
    return [[arb(v) for v in row] for row in x.tolist()]


def columns(x: Array) -> list[Row]:
    return rows(x.T)


def cotangent_of_the_stem(m: Adversary, parameters: Parameters, batch: Batch) -> list[Row]:
    """ā = Σ of the products of both layers and the skip, as one sum."""
    left, right = (rows(parameters[f"{name}/kernel"]) for name in ("left", "right"))
    return [
        [
            m.total(
                [
                    *map(m.multiply, y, left[unit]),
                    *map(m.multiply, y, right[unit]),
                    y[unit],
                ]
            )
            for unit in range(4)
        ]
        for y in rows(batch.targets)
    ]


def gradient_of_the_shared(m: Adversary, parameters: Parameters, batch: Batch) -> list[Row]:
    """∂L/∂W = xᵀ(yWᵀ) + (xW)ᵀy + W, as one sum of products."""
    w = parameters["a/kernel"]
    hidden = [[m.dot(x, column) for column in columns(w)] for x in rows(batch.inputs)]
    delta = [[m.dot(y, row) for row in rows(w)] for y in rows(batch.targets)]
    xs, ys = rows(batch.inputs), rows(batch.targets)
    return [
        [
            m.total(
                [
                    *(m.multiply(x[i], d[j]) for x, d in zip(xs, delta, strict=True)),
                    *(m.multiply(h[i], y[j]) for h, y in zip(hidden, ys, strict=True)),
                    arb(float(w[i, j])),
                ]
            )
            for j in range(2)
        ]
        for i in range(2)
    ]


CASES = {
    "cotangents": (JOINED, 1, "back/stem", cotangent_of_the_stem, "beside_below"),
    "gradients": (SHARED, 8, "gradient/a/kernel", gradient_of_the_shared, "beside"),
}


def escapes(case: str) -> int:
    """How many machines are further from the exact result than the radius allows."""
    network, samples, site, code, _ = CASES[case]
    parameters, batch = point(network, samples)
    found = {}

    def keep(name: str, value: object, scope: object) -> object:
        found[name] = value
        return value

    evaluate(BallOps(ROUNDING), network, parameters, batch, keep)
    radius = found[site].radius.tolist()  # type: ignore[attr-defined]
    with precision(400):
        exact = code(Exact(ROUNDING, Random(0)), parameters, batch)
        return sum(
            any(
                abs(wrong - right) > arb(r)
                for three in zip(code(machine, parameters, batch), exact, radius, strict=True)
                for wrong, right, r in zip(*three, strict=True)
            )
            for machine in machines()
        )


class Exact(Adversary):
    """A machine that makes no error."""

    def rounded(self, exact: arb, relative: arb | None = None, *, summed: bool = False) -> arb:
        return exact


@pytest.mark.parametrize("case", CASES)
def test_any_order_is_within_the_bounds(case: str) -> None:
    assert escapes(case) == 0


@pytest.mark.parametrize("case", CASES)
def test_terms_that_are_not_counted_are_noticed(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sums, CASES[case][-1], lambda *given: 0)
    assert escapes(case) > 0
