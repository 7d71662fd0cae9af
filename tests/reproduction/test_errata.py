"""Every erratum that is a fault of the definition is exposed by the gate, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Workers
from backproof.mathematics.definition.sites import unchanged
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.faults import catalogue
from backproof.reproduction.errata import Erratum, catalogued, definition, descend, expose
from backproof.reproduction.run import recipes
from comparisons import circles
from tests.halves import slow_but
from tests.reproduction.conftest import FOLDER
from tests.workers import Shared

ERRATA = {
    f"{recipe.system}: {erratum.name}": erratum
    for recipe, _ in recipes(FOLDER)[0]
    for erratum in recipe.errata
}
# The first tensor, in the order of computation, that does not match.
EXPOSED_BY = {
    "xor: ascent": "updated/dense_1/kernel",
    "captcha: the penalty's parentheses": "loss",
    "captcha: a gradient without penalty": "gradient/dense_1/kernel",
    "breast_cancer: one gradient for all biases": "gradient/dense_1/bias",
    "clusters_minibatch: two different losses compared": "loss",
    "layered: a norm for its square": "loss",
}

# The others are of larger networks.
SMALL = ["xor: ascent", "layered: a norm for its square"]


@pytest.fixture(scope="module")
def workers(shared: Shared) -> Workers:
    return shared("torch")


def test_which_errata_are_of_the_mathematics() -> None:
    assert {name for name, erratum in ERRATA.items() if erratum.fault} == set(EXPOSED_BY)
    others = set(ERRATA) - set(EXPOSED_BY)
    assert others == {
        "breast_cancer: fit of another model",
        "clusters_minibatch: labels of the last plot",
        "layered: weights between 0 and 1",
    }
    assert all(erratum.effect is not None for erratum in ERRATA.values())


@pytest.mark.usefixtures("same_points")
@pytest.mark.parametrize("name", slow_but(SMALL, EXPOSED_BY, 3))
def test_the_gate_exposes_it(name: str, workers: Workers) -> None:
    found = expose(ERRATA[name], "torch", workers)
    assert found.name == EXPOSED_BY[name]
    assert found.step == 0
    assert found.difference > 1e6 * found.bound > 0
    fault = ERRATA[name].fault
    if isinstance(fault, str):
        assert sentence(fault) in found.cause


@pytest.mark.usefixtures("same_points")
@pytest.mark.parametrize("name", slow_but(SMALL, EXPOSED_BY, 3))
def test_the_gate_lets_the_definition_through(name: str, workers: Workers) -> None:
    clean = replace(ERRATA[name], fault=unchanged)
    with pytest.raises(EvaluationError, match=r"no comparison of .* exposes it$"):
        expose(clean, "torch", workers)


def sentence(fault: str) -> str:
    """What the catalogue says of a fault: the gate should have found the very one."""
    (entry,) = (each for each in catalogue() if f"{each.family}/{each.name}" == fault)
    return entry.sentence


def test_a_fault_that_has_no_place_is_told() -> None:
    with pytest.raises(UsageError, match=r"circles has no place for a fault .*; did you mean"):
        catalogued(circles.PAIRING, "sign/ascend")


def test_the_definition_descends_as_the_hand_written_network_does() -> None:
    pairing: Pairing = circles.PAIRING
    batch, initial = pairing.data(), pairing.initial()
    network = circles.Circles(initial)
    network.train(batch.inputs, batch.targets, learning_rate=circles.LEARNING_RATE, steps=20)
    end = descend(pairing, initial, batch, 20)
    for name, array in network.parameters.items():
        np.testing.assert_allclose(end[name], array, rtol=1e-11)


def test_a_faulty_subject_gives_everything_that_is_compared() -> None:
    pairing: Pairing = circles.PAIRING
    subject = definition(pairing.network, pairing.optimizer)
    batch, initial = pairing.data(), pairing.initial()
    assert set(subject(initial, batch)) == set(pairing.subject(initial, batch))


def test_an_erratum_needs_no_fault() -> None:
    assert Erratum("a", "text", "b", "c", "d").fault is None
