"""The definition's gradients are the derivatives of its loss: certified central differences.

With D(h) = (L(p + h) − L(p − h)) / 2h = L′ + h²·L‴/6 + h⁴·L⁗′/120 + …, doubling h moves D by three
times what D(h) is off the derivative, up to terms of h⁴. So |D(h) − L′| ≤ |D(2h) − D(h)| unless L‴
vanishes, when both are no more than h⁴ and the enclosures' widths: with h = 2⁻¹²⁰ and losses of
ordinary size, less than 2⁻⁴⁰⁰.
"""

from __future__ import annotations

from itertools import cycle, product
from random import Random

import numpy as np
import pytest
from flint import arb

from backproof.mathematics import losses
from backproof.mathematics.arithmetic.certified import CertifiedOps
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.step import step
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.mathematics.arithmetic.ball_forms import NAMES
from tests.mathematics.arithmetic.ball_networks import HIDDEN, PENALTIES, precision

H = arb(2) ** -120
NEGLIGIBLE = arb(2) ** -400
REDUCTIONS = list(product(("mean", "sum"), ("mean", "sum"), (1.0, 0.7)))

# Every activation under every loss, and in the last layer too; the rest in turn.
LAST = cycle(HIDDEN)
CASES = [
    (kind, losses.named(kind).ACTIVATION or next(LAST), hidden)
    for kind in losses.names()
    for hidden in HIDDEN
]
NETWORKS = [
    Network(
        (Dense(2, 3, hidden, bias=index % 3 > 0), Dense(3, 2, last, bias=index % 4 > 0)),
        Loss(kind, batch, outputs, scale),
        penalty,
    )
    for index, ((kind, last, hidden), (batch, outputs, scale), penalty) in enumerate(
        zip(CASES, cycle(REDUCTIONS), cycle(PENALTIES[:3] + PENALTIES))
    )
]


def described(network: Network) -> str:
    names = "-".join(NAMES[layer.activation] for layer in network.layers)
    return f"{names}-{network.loss.kind}"


def point(network: Network) -> tuple[Parameters, Batch]:
    """Samples at ordinary parameters, none near a kink, where no tensor's gradient vanishes."""
    stream = np.random.default_rng(52)
    return drawn_parameters(network, stream), drawn_batch(network, stream, 5)


def difference(network: Network, name: str, index: tuple[int, ...], h: arb) -> arb:
    """D(h) of the loss at `point`, by one parameter."""
    parameters, batch = point(network)
    found = []
    for side in (h, -h):
        moved = {key: value.astype(object) for key, value in parameters.items()}
        moved[name][index] = arb(parameters[name][index]) + side
        found.append(evaluate(CertifiedOps(), network, moved, batch)["loss"].entries[0])
    return (found[0] - found[1]) / (2 * h)


@pytest.mark.parametrize("network", NETWORKS, ids=described)
def test_gradients_are_the_derivatives_of_the_loss(network):
    parameters, batch = point(network)
    with precision(768):
        found = evaluate(CertifiedOps(), network, parameters, batch)

        for name, value in parameters.items():
            gradients = found[f"gradient/{name}"].entries
            for index, gradient in zip(np.ndindex(value.shape), gradients, strict=True):
                near, far = (difference(network, name, index, h) for h in (H, 2 * H))
                assert abs(near - gradient) <= abs(far - near) + NEGLIGIBLE, (name, index)
                assert abs(far - near) < 2**-200
            assert max(map(abs, gradients)) > 0.001  # something was compared


def test_a_wrong_gradient_is_not_the_derivative():
    """The differences are sharp enough to tell: a relative error of 2⁻¹⁸⁰ would be seen."""
    network = NETWORKS[0]
    parameters, batch = point(network)
    with precision(768):
        name = "dense_1/kernel"
        found = evaluate(CertifiedOps(), network, parameters, batch)
        gradient = found[f"gradient/{name}"].entries[0]
        off = abs(difference(network, name, (0, 0), H) - gradient * (1 + arb(2) ** -180))
        assert off > abs(gradient) * arb(2) ** -181


def test_no_parameter_lies_at_a_kink():
    """Differences across a kink prove nothing: no pre-activation, margin or penalised weight is."""
    for network in NETWORKS:
        parameters, batch = point(network)
        zs = {}

        def keep(name, value, scope, zs=zs):
            zs[name] = value
            return value

        found = evaluate(CertifiedOps(), network, parameters, batch, keep)
        kinks = [x for name, z in zs.items() if name.startswith("z/") for x in z.entries]
        if network.loss.kind == "hinge":
            outputs, targets = found["activation/dense_2"].entries, batch.targets.ravel().tolist()
            kinks += [1 - t * a for a, t in zip(outputs, targets, strict=True)]
        kinks += [arb(w) for value in parameters.values() for w in value.ravel().tolist()]
        assert all(abs(x) > 2**-20 for x in kinks)


@pytest.mark.parametrize("rate", [0.3, 1.0, 0.0])
def test_a_step_goes_down_the_gradient(rate):
    network = NETWORKS[1]
    parameters, batch = point(network)
    ops = CertifiedOps()
    found = evaluate(ops, network, parameters, batch)
    updated = step(ops, network, parameters, found, GradientDescent(rate))
    assert list(updated) == [f"updated/{name}" for name in parameters]
    for name, value in parameters.items():
        entries = zip(
            value.ravel().tolist(),
            found[f"gradient/{name}"].entries,
            updated[f"updated/{name}"].entries,
            strict=True,
        )
        assert all((arb(w) - arb(rate) * g).overlaps(new) for w, g, new in entries)


def test_the_penalty_is_what_it_says():
    """Loss with the penalty less the one without: l2·ΣW² + l1·Σ|W|, biases if asked for."""
    random = Random(3)
    for biases in (False, True):
        penalty = Penalty(l2=random.random(), l1=random.random(), biases=biases)
        layers = (Dense(2, 3, "tanh"), Dense(3, 1, "sigmoid"))
        plain, punished = (Network(layers, Loss("squared_error"), p) for p in (Penalty(), penalty))
        parameters, batch = point(plain)
        ops = CertifiedOps()
        found = [evaluate(ops, n, parameters, batch)["loss"].entries[0] for n in (plain, punished)]
        weights = [
            arb(w)
            for name, value in parameters.items()
            if biases or name.endswith("kernel")
            for w in value.ravel().tolist()
        ]
        expected = arb(penalty.l2) * sum(w * w for w in weights) + arb(penalty.l1) * sum(
            abs(w) for w in weights
        )
        assert (found[1] - found[0]).overlaps(expected)


def test_the_loss_is_reduced_as_it_says():
    """The values of two samples with two outputs, summed or averaged over either, and scaled."""
    layers = (Dense(2, 2, "linear", bias=False),)
    batch = Batch(np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros((2, 2)))
    parameters = {"dense_1/kernel": np.array([[1.0, 2.0], [3.0, 4.0]])}  # squares: 1 + 4 + 9 + 16
    for (over_batch, over_outputs), whole in zip(
        product(("sum", "mean"), ("sum", "mean")), (30.0, 15.0, 15.0, 7.5), strict=True
    ):
        network = Network(layers, Loss("squared_error", over_batch, over_outputs, scale=0.5))
        loss = evaluate(CertifiedOps(), network, parameters, batch)["loss"].entries[0]
        assert loss == arb(0.5 * whole)
