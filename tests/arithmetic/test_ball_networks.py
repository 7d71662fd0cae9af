"""Whole networks: balls cover certified values, adversaries, NumPy and PyTorch."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from flint import arb

from backproof.arithmetic.ball import BallOps
from backproof.rounding import Rounding
from tests.arithmetic.adversary import Adversary
from tests.arithmetic.ball_cases import DTYPES, share
from tests.arithmetic.ball_networks import (
    backpropagation,
    balls,
    certified,
    precision,
    random_network,
    random_point,
)
from tests.arithmetic.plain_code import with_numpy, with_torch

CASES = 3000


@pytest.fixture(autouse=True)
def enough() -> None:
    """Networks have no subnormal sums to add exactly: fewer bits decide every comparison."""
    with precision(500):
        yield


@pytest.mark.parametrize("dtype", DTYPES)
def test_balls_cover_certified_values_and_adversaries_in_every_tensor(dtype):
    rounding = Rounding.of(dtype)
    for seed in range(CASES):
        random = Random(seed)
        network = random_network(random)
        parameters, batch = random_point(network, random, dtype)
        bounds = balls(BallOps(rounding), network, parameters, batch)
        truth = certified(network, parameters, batch)
        for _ in range(4):
            found = backpropagation(Adversary(rounding, random), network, parameters, batch)
            for name, ball in bounds.items():
                share(ball, truth[name].entries, found[name], f"{name} of {network}, seed {seed}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("implementation", ["NumPy", "PyTorch"])
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
