"""JAX takes the slope of a logistic loss as exp(z − softplus(z)): its exponent rounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.implementations.client import Worker
from backproof.implementations.frameworks import traits
from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps, certify
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.arithmetic.rounding.model import Rounding
from tests.halves import slow_but
from tests.workers import Shared

HEAD, SIGMOID = losses.named("binary_cross_entropy"), functions.named("sigmoid")


def share(name: str, worker: Worker, rounding: Rounding, z: np.ndarray) -> float:
    """The largest share of its radius that the slope of a framework takes up."""
    worst = 0.0
    for label in (0.0, 1.0):
        y = np.full_like(z, label)
        request = {"do": "apply", "function": "binary_cross_entropy", "mode": traits(name).modes[0]}
        given = {"x": z, "targets": y, "cotangent": np.ones_like(z)}
        slope = worker.wait(worker.request(request, given))[1]["gradient/x"]

        def exact(ops: CertifiedOps, y: np.ndarray = y) -> dict[str, Certified]:
            held = ops.exact(z)
            return {
                "x": ops.loss_and_slope(HEAD, held, ops.activate(SIGMOID, held), ops.exact(y))[1]
            }

        truth, ops = certify(exact, rounding.unit)["x"], BallOps(rounding)
        held = ops.exact(z)
        found = ops.loss_and_slope(HEAD, held, ops.activate(SIGMOID, held), ops.exact(y))[1]
        worst = max(worst, float((truth.error(slope) / found.radius).max()))
    return worst


@pytest.mark.parametrize("name", ["jax", "keras", "torch"])
@pytest.mark.parametrize("dtype", slow_but(["float64"], ["float64", "float32"], 1))
def test_the_slope_is_within_its_bound(name: str, dtype: str, shared: Shared) -> None:
    """Around 33 the softplus is as large as it may be without being z itself."""
    z = np.random.default_rng(0).uniform(-40, 40, (2000, 1)).astype(dtype)
    declared = Rounding.declared(traits(name), dtype)
    worker = shared(name, dtype=dtype).by_name[name]
    assert share(name, worker, declared, z) <= 1
    if name == "jax" and dtype == "float64":  # the bound of the others would not hold
        assert share(name, worker, replace(declared, slopes=()), z) > 1
