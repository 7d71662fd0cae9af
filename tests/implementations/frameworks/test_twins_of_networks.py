"""A twin is built for every activation, loss, reduction and penalty, and says what NumPy says."""

from __future__ import annotations

from itertools import cycle, product

import numpy as np
import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, Workers, verify
from backproof.mathematics import losses
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Array, Batch, Parameters
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.mathematics.arithmetic.ball_forms import FUNCTIONS
from tests.mathematics.arithmetic.ball_networks import OPTIMIZER, PENALTIES
from tests.mathematics.arithmetic.plain_code import with_numpy
from tests.workers import Shared

# Every loss with every reduction and scale; activations, hidden and last, and penalties in turn.
CASES = list(product(losses.names(), ("mean", "sum"), ("mean", "sum"), (1.0, 0.5)))
HIDDEN, LAST, PENALTY = cycle(FUNCTIONS.values()), cycle(FUNCTIONS.values()), cycle(PENALTIES)
NETWORKS = [
    Network(
        (
            Dense(3, 4, next(HIDDEN)),
            Dense(4, 2, losses.named(kind).ACTIVATION or next(LAST), bias=scale == 1),
        ),
        Loss(kind, over_batch, over_outputs, scale),
        next(PENALTY),
    )
    for kind, over_batch, over_outputs, scale in CASES
]


def parts(network: Network) -> set[object]:
    """What a twin has to build of it."""
    loss, (hidden, last) = network.loss, network.layers
    return {
        ("hidden", hidden.activation),
        ("last", last.activation, last.bias),
        ("penalty", network.penalty),
        *((loss.kind, each) for each in (f"batch {loss.batch}", f"outputs {loss.outputs}")),
        (loss.kind, loss.scale),
    }


def covering() -> list[int]:
    """Few networks that have all parts: the next is always the one with most that are missing."""
    missing = set().union(*map(parts, NETWORKS))
    chosen = []
    while missing:
        best = max(range(len(NETWORKS)), key=lambda number: len(parts(NETWORKS[number]) & missing))
        chosen.append(best)
        missing -= parts(NETWORKS[best])
    return chosen


def test_every_activation_is_used_as_hidden_and_as_last() -> None:
    for index in (0, 1):
        assert {network.layers[index].activation for network in NETWORKS} == set(FUNCTIONS.values())


Numbered = list[tuple[int, Network]]
PARTS = 4  # in which PyTorch gets the networks: the first is quick


def given_to(reference: str, dtype: str, part: int) -> Numbered:
    """All of them to PyTorch; to those that compile for each few, the dtypes every other one."""
    numbered = list(enumerate(NETWORKS))
    if reference == "torch":
        return numbered[part::PARTS]
    return [numbered[number] for number in covering()[dtype == "float32" :: 2]]


@pytest.fixture(
    scope="module",
    params=slow_but(
        ["torch-float64-0"],
        [
            *map("-".join, product(("keras", "jax"), ("float64", "float32"), "0")),
            *map("-".join, product(("torch",), ("float64", "float32"), map(str, range(PARTS)))),
        ],
        4,
    ),
)
def given(request: pytest.FixtureRequest, shared: Shared) -> tuple[Workers, Numbered]:
    reference, dtype, part = request.param.split("-")
    return shared(reference, dtype=dtype), given_to(reference, dtype, int(part))


def accuracy(network: Network, outputs: Array, targets: Array) -> float:
    """The share of samples in the right class, as anybody would count them."""
    if network.loss_function.IGNORES:
        outputs, targets = outputs[targets.any(axis=1)], targets[targets.any(axis=1)]
    if network.decision == "argmax":
        return float(np.mean(outputs.argmax(1) == targets.argmax(1)))
    between = 0 if network.decision == "sign" else 0.5
    return float(np.mean(np.all((outputs > between) == (targets > between), axis=1)))


def pairing_of(number: int, network: Network, reference: str) -> Pairing:
    def subject(parameters: Parameters, batch: Batch) -> dict[str, object]:
        with np.errstate(all="ignore"):
            found: dict[str, object] = dict(with_numpy(network, parameters, batch))
            if network.decision is not None:
                outputs = found["activation/dense_2"]
                found["accuracy"] = accuracy(network, outputs, batch.targets)
            return found

    stream = np.random.default_rng(number)
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    measured = ("accuracy",) if network.decision is not None else ()
    return Pairing(
        name=f"network {number}",
        network=network,
        subject=subject,
        data=lambda: batch,
        initial=lambda: parameters,
        optimizer=OPTIMIZER,
        references={reference: None},
        steps=1,
        quantities=("activation", "loss", "gradient", "updated", *measured),
    )


def test_no_network_is_wrong(given: tuple[Workers, Numbered]) -> None:
    """On data all is decided, and matches; at the probes, kinks and saturation among them, no
    correct implementation is called wrong.
    """
    workers, chosen = given
    (reference,) = workers.by_name
    pairings = [pairing_of(number, network, reference) for number, network in chosen]
    judged_all = list(verify(pairings, workers, TODAY, certified=False))
    assert len(judged_all) == len(chosen)
    for (number, _), judged in zip(chosen, judged_all, strict=True):
        assert isinstance(judged, Judged)
        for row in judged.rows:
            told = f"{row.name} at {row.point}: {row.status} {row.detail} {row.cause}"
            told = f"{told}, {NETWORKS[number]}"
            assert row.status not in (Status.MISMATCH, Status.ERROR), told
            assert row.status is Status.MATCH or row.point != "data", told
