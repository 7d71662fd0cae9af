"""Graphs: skips, shared parameters, penalties by node, losses apart, weights, more axes.

Gradients are held against certified central differences of the loss; see
`tests/mathematics/arithmetic/test_definition_differences.py` for why those prove them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb

from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps, certify
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding, round_to
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sums import sums_of
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.mathematics.arithmetic.ball_networks import precision
from tests.mathematics.definition.graphs import GRAPHS, weighted

H = arb(2) ** -120
NEGLIGIBLE = arb(2) ** -400


def point(name: str, samples: int = 3) -> tuple[Network, Parameters, Batch]:
    network, stream = GRAPHS[name], np.random.default_rng(7)
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream, samples)
    return network, parameters, weighted(batch) if name == "weighted" else batch


def difference(
    network: Network, parameters: Parameters, batch: Batch, name: str, at: Any, h: arb
) -> arb:
    found = []
    for side in (h, -h):
        moved = {key: value.astype(object) for key, value in parameters.items()}
        moved[name][at] = arb(parameters[name][at]) + side
        found.append(evaluate(CertifiedOps(), network, moved, batch)["loss"].entries[0])
    return (found[0] - found[1]) / (2 * h)


@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_are_the_derivatives_of_the_loss(name: str) -> None:
    given = point(name)
    network, parameters, _ = given
    with precision(768):
        found = evaluate(CertifiedOps(), *given)
        assert [each for each in found if each.startswith("gradient/")] == [
            f"gradient/{each}" for each in network.parameters
        ]
        for each, value in parameters.items():
            gradients = found[f"gradient/{each}"].entries
            for at, gradient in zip(np.ndindex(value.shape), gradients, strict=True):
                near, far = (difference(*given, each, at, h) for h in (H, 2 * H))
                assert abs(near - gradient) <= abs(far - near) + NEGLIGIBLE, (each, at)
                assert abs(far - near) < 2**-200
            assert max(map(abs, gradients)) > 0.001  # something was compared


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", GRAPHS)
def test_what_code_computes_lies_within_its_balls(name: str, dtype: str) -> None:
    network, parameters, batch = point(name, 5)
    parameters = {key: round_to(value, dtype) for key, value in parameters.items()}
    given, rounding = (network, parameters, batch.astype(dtype)), Rounding.of(dtype)
    truths = certify(lambda ops: evaluate(ops, *given), rounding.unit)
    balls, computed = evaluate(BallOps(rounding), *given), evaluate(Float(), *given)
    assert balls.keys() == truths.keys() == computed.keys()
    for each, truth in truths.items():
        for value in (computed[each].astype(float), balls[each].value):
            assert (truth.error(value) <= balls[each].radius + truth.radius).all(), each


def test_weights_multiply_what_each_sample_adds() -> None:
    network, parameters, batch = point("weighted")
    assert batch.weights is not None
    ops, weights = CertifiedOps(), [arb(w) for w in batch.weights.tolist()]
    samples = [
        Batch(batch.inputs[i : i + 1], batch.targets[i : i + 1]) for i in range(len(weights))
    ]
    alone = [evaluate(ops, network, parameters, sample) for sample in samples]
    together = evaluate(ops, network, parameters, batch)
    for name in ("loss", "gradient/dense_1/kernel"):
        each = zip(*(found[name].entries for found in alone), strict=True)
        for mean, entries in zip(together[name].entries, each, strict=True):
            total = sum((w * x for w, x in zip(weights, entries, strict=True)), arb(0))
            assert mean.overlaps(total / len(weights))


# By hand: how many terms a sum has beside a node's own, of seven samples.
BELOW = {
    "three takers": {
        ("left", 0): 3 + 1,  # the three units of right, and the sum itself
        ("right", 0): 3 + 1,
        ("sum", 0): 3 + 3,
        ("sum", 1): 0,
        ("top", 0): 0,
    },
    "taken twice": {("square", 0): 1, ("square", 1): 1},
    "skips": {("dense_2", 0): 1, ("add_1", 1): 2, ("add_1", 0): 0},
}
BESIDE = {
    "shared": {
        ("a", "kernel"): 7 + 7 + 1,  # b, c, and the penalty
        ("c", "kernel"): 7 + 7 + 1,
        ("a", "bias"): 1,
        ("b", "bias"): 7 + 1,
        ("c", "bias"): 7 + 1,
    },
    "penalties by node": {
        ("dense_1", "kernel"): 1,
        ("dense_1", "bias"): 0,
        ("dense_2", "kernel"): 0,
        ("dense_3", "kernel"): 1,
        ("dense_3", "bias"): 1,
    },
    "penalties over samples": {("dense_1", "kernel"): 2, ("dense_1", "bias"): 0},
}


@pytest.mark.parametrize("name", BELOW)
def test_terms_beside_those_of_a_cotangent(name: str) -> None:
    sums = sums_of(GRAPHS[name], 7)
    for (node, index), terms in BELOW[name].items():
        assert sums.beside_below(node, index) == terms, (node, index)


@pytest.mark.parametrize("name", BESIDE)
def test_terms_beside_those_of_a_gradient(name: str) -> None:
    sums = sums_of(GRAPHS[name], 7)
    for (node, own), terms in BESIDE[name].items():
        assert sums.beside(node, own) == terms, (node, own)


def test_positions_are_rows_of_a_gradient_and_penalties_terms_of_a_loss() -> None:
    assert sums_of(GRAPHS["positions"], 7).summands["dense_1/kernel"] == 7 * 4
    assert sums_of(GRAPHS["shared"], 7).summands["a/kernel"] == 3 * 7
    assert sums_of(GRAPHS["penalties by node"], 7).penalties == 3 * 3 + 2 * 2 + 2
