"""Whole networks: balls cover certified values, adversaries, NumPy and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition import penalties, step
from backproof.mathematics.network.penalty import Penalty
from tests.halves import slow_but
from tests.mathematics.arithmetic import ball_networks
from tests.mathematics.arithmetic.adversary import Adversary
from tests.mathematics.arithmetic.ball_cases import DTYPES, share
from tests.mathematics.arithmetic.ball_checks import CHARGES, model
from tests.mathematics.arithmetic.ball_networks import (
    backpropagation,
    balls,
    certified,
    precision,
    random_network,
    random_point,
)
from tests.mathematics.arithmetic.ball_orders import Apart
from tests.mathematics.arithmetic.plain_code import with_numpy, with_torch

CASES = 500
BLOCK = 100  # of these a test takes at a time
MACHINES = 3


# Such as take off a good part of the weight, or nearly all of it, or more.
DECAYING = (Penalty(l2=0.3), Penalty(l2=1.5), Penalty(l2=6.0, l1=0.02), Penalty(l1=0.5))


def missing(kind: str) -> Callable[..., Ball]:
    """The rule of `with_separate_penalties` that does not know of one penalty."""
    sound = penalties.with_separate_penalties
    return lambda ops, penalty, w, change, rate: sound(
        ops, replace(penalty, **{kind: 0.0}), w, change, rate
    )


WEAKENED: dict[str, tuple[str, Any]] = {
    "the gradient has them all": (
        "with_separate_penalties",
        lambda ops, penalty, w, change, rate: change,
    ),
    "no l1 apart": ("with_separate_penalties", missing("l1")),
    "no l2 apart": ("with_separate_penalties", missing("l2")),
    "a rounding less": (
        "charged_at",
        lambda ops, value, at, times: charged_at(ops, value, at, times - 1),
    ),
    "a weight of no size": ("charged_at", lambda ops, value, at, times: value),
}


@pytest.fixture(autouse=True)
def enough() -> None:
    """Networks have no subnormal sums to add exactly: fewer bits decide every comparison."""
    with precision(500):
        yield


def tensors(
    dtype: str,
    arithmetic: Callable[[Rounding], BallOps] = BallOps,
    seeds: Iterable[int] = range(CASES),
) -> Iterator[tuple[str, Callable[[], float]]]:
    """Each tensor of random networks, computed by adversaries, and its share of the radius."""
    for seed in seeds:
        random = Random(seed)
        rounding = model(dtype, random.choice(CHARGES))
        network = random_network(random)
        parameters, batch = random_point(network, random, dtype)
        bounds = balls(arithmetic(rounding), network, parameters, batch)
        truth = certified(network, parameters, batch)
        for _ in range(MACHINES):
            found = backpropagation(Adversary(rounding, random), network, parameters, batch)
            for name, ball in bounds.items():
                what = f"{name} of {network}, seed {seed}"
                yield name, partial(share, ball, truth[name].entries, found[name], what)


@pytest.mark.parametrize(
    ("dtype", "start"), slow_but([("float64", 0)], product(DTYPES, range(0, CASES, BLOCK)), 0.8)
)
def test_balls_cover_certified_values_and_adversaries_in_every_tensor(dtype, start):
    shares = [used() for _, used in tensors(dtype, seeds=range(start, start + BLOCK))]
    assert len(shares) > 10 * BLOCK


def test_sums_taken_in_one_order_are_caught_in_every_quantity():
    """A bias, a loss and a gradient, each as one part after the other."""
    missed = {"activation", "loss", "gradient", "recovered gradient", "updated"}
    for name, used in tensors("float32", Apart):
        try:
            used()
        except AssertionError:
            missed.discard(name.partition("/")[0])
        if not missed:
            break
    assert not missed


@pytest.mark.parametrize("name", WEAKENED)
def test_steps_that_take_the_penalties_off_by_themselves_are_charged(name, monkeypatch):
    rule, careless = WEAKENED[name]
    monkeypatch.setattr(step if rule == "with_separate_penalties" else penalties, rule, careless)
    monkeypatch.setattr(ball_networks, "PENALTIES", DECAYING)

    def search() -> None:
        for tensor, used in tensors("float32"):
            if tensor.startswith("updated"):
                used()

    with pytest.raises(AssertionError, match="but the radius is"):
        search()


@pytest.mark.parametrize(
    ("dtype", "implementation"),
    slow_but([("float64", "NumPy")], product(["float64", "float32"], ["NumPy", "PyTorch"]), 1.5),
)
def test_balls_cover_what_numpy_and_pytorch_compute(dtype, implementation):
    compute = {"NumPy": with_numpy, "PyTorch": with_torch}[implementation]
    compared = 0
    for seed in range(CASES):
        random = Random(seed)
        network = random_network(random)
        parameters, batch = random_point(network, random, dtype)
        bounds = balls(BallOps(Rounding.of(dtype)), network, parameters, batch)
        truth = certified(network, parameters, batch)
        for name, computed in compute(network, parameters, batch).items():
            assert computed.dtype == dtype
            found = [arb(x) for x in np.ravel(computed).tolist()]
            share(bounds[name], truth[name].entries, found, f"{name} of {network}, seed {seed}")
            compared += np.isfinite(bounds[name].radius).all()
    assert compared > 9 * CASES
